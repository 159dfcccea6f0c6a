import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command, Help } from 'commander';
import { program } from '../src/cli/main.js';
import { packageRoot, packageVersion } from '../src/system/package.js';

// A manual page for each command, made of what --help says: dist/man/gva.1, gva-run.1, gva-sweep-run.1, ...

/** Name of the file, and its roff (man(7)). */
export type ManPage = readonly [name: string, text: string];

export function manPages(command: Command = program, before: readonly string[] = []): ManPage[] {
  const path = [...before, command.name()];
  const help = command.createHelp();
  const page = [`${path.join('-')}.1`, pageOf(command, path, help)] as const;
  const below = typed(command, help).flatMap((each) => manPages(each, path));
  return [page, ...below];
}

/** Commands that people type; `help` is said elsewhere. */
const typed = (command: Command, help: Help) =>
  help.visibleCommands(command).filter((each) => each.name() !== 'help');

function pageOf(command: Command, path: readonly string[], help: Help): string {
  const commands = typed(command, help);
  const lists = [
    section(
      'COMMANDS',
      commands.map((each) => item(`${path.join(' ')} ${each.name()}`, each.description())),
    ),
    section(
      'ARGUMENTS',
      help
        .visibleArguments(command)
        .map((each) => item(help.argumentTerm(each), help.argumentDescription(each))),
    ),
    section(
      'OPTIONS',
      help.visibleOptions(command).map((each) => item(help.optionTerm(each), help.optionDescription(each))),
    ),
  ];
  const above = path.slice(0, -1).join('\\-');
  const see = [
    ...(above === '' ? [] : [above]),
    ...commands.map((each) => [...path, each.name()].join('\\-')),
  ];
  return [
    `.TH ${path.join('-').toUpperCase()} 1 "" "gva ${packageVersion()}" "Grid Virtual Appliances"`,
    `.SH NAME\n${path.join('\\-')} \\- ${roff(command.description())}`,
    `.SH SYNOPSIS\n.B ${path.join(' ')}\n${roff(command.usage())}`,
    `.SH DESCRIPTION\n${roff(sentence(command.description()))}`,
    ...lists,
    ...afterwards(command),
    see.length > 0 ? `.SH SEE ALSO\n${see.map((name) => `.BR ${name} (1)`).join(',\n')}` : '',
  ]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('');
}

const section = (title: string, items: readonly string[]) =>
  items.length > 0 ? `.SH ${title}\n${items.join('\n')}` : '';

const item = (term: string, text: string) => `.TP\n.B ${roff(term)}\n${roff(text)}`;

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;

/** What stands below the options: examples, exit status, and the rest. */
function afterwards(command: Command): string[] {
  const [examples, status, notes]: [string[], string[], string[]] = [[], [], []];
  for (const paragraph of textAfter(command).split(/\n{2,}/)) {
    const [head = '', ...rest] = paragraph.split('\n');
    if (/^Examples?:$/.test(head)) examples.push(asItIs(rest));
    else if (/^Exit status/.test(head)) status.push(roff(paragraph.replace(/^Exit status[^:]*:\s*/, '')));
    else if (rest.some((line) => /^\s/.test(line))) notes.push(`${roff(head)}\n${asItIs(rest)}`);
    else if (paragraph !== '') notes.push(roff(paragraph));
  }
  return [
    section('NOTES', [notes.join('\n.PP\n')].filter(Boolean)),
    section('EXAMPLES', examples),
    section('EXIT STATUS', status),
  ];
}

/** What was added to the help of a command, and of none above it. */
function textAfter(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text.slice(command.helpInformation().length).trim();
}

const asItIs = (lines: readonly string[]) => `.nf\n${lines.map((line) => roff(line)).join('\n')}\n.fi`;

/** Backslashes, dashes that are typed, and lines that would be requests. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .split('\n')
    .map((line) => line.replace(/^(?=[.'])/, '\\&'))
    .join('\n');
}

/** Writes them into `folder`, which is made anew. */
export async function writeManPages(folder = join(packageRoot, 'dist/man')): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, text] of manPages()) await writeFile(join(folder, name), text);
}

if (process.argv[1]?.endsWith('man-pages.js')) await writeManPages();
