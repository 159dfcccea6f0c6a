import { program } from '../../src/cli/main.js';

/** What is quoted is somebody else's language, and what follows a `#` or a wide gap says something of the line. */
const plain = (line: string) => line.replace(/'[^']*'|"[^"]*"/g, 'QUOTED').replace(/ #.*| {3,}.*$/, '');

/** Calls of gva in lines of shell, each from `gva` to the end of that command. */
export const callsIn = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => [...plain(line).matchAll(/\bgva [^|;&><)]*/g)].map(([text]) => text.trim()));

/** What is wrong with such a call: commands and options that there are not. */
export function mistakesOf(call: string): string[] {
  const words = call.split(/\s+/).slice(1);
  let called = program;
  while (called.commands.length > 0) {
    const next = called.commands.find((each) => each.name() === words[0]);
    if (!next) break;
    called = next;
    words.shift();
  }
  const [first = ''] = words;
  const isGroup = called.commands.length > 0;
  if (isGroup && first !== '' && !/^-|^[A-Z]+$/.test(first)) return [`there is no ${first}`];
  const options = [...called.options, ...program.options, { short: '-h', long: '--help' }];
  const known = options.flatMap(({ short, long }) => [short, long]);
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  // What comes after the instance is a command of the guest.
  if (called.name() === 'exec') return [];
  return own.filter((word) => /^--?[a-z]/i.test(word) && !known.includes(word.split('=')[0]));
}
