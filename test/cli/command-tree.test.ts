import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../src/cli/main.js';

// Help teaches by examples, and they are right: every command that people type has a description and examples, and what these
// say is there.

/** Commands that people type, with their words from `gva` on. */
function commands(command: Command, before = ''): [string, Command][] {
  const path = before === '' ? command.name() : `${before} ${command.name()}`;
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  return [[path, command], ...visible.flatMap((each) => commands(each, path))];
}

const all = commands(program);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

/** Lines of gva in the examples, each from `gva` to the end of that command. */
function examplesOf(command: Command): string[] {
  const after = /\nExamples?:\n([^]*)/.exec(helpOf(command))?.[1] ?? '';
  const lines = after.split('\n').filter((line) => /^ +\S/.test(line));
  // What is quoted is somebody else's language.
  const plain = lines.map((line) => line.replace(/'[^']*'|"[^"]*"/g, 'QUOTED').replace(/ #.*| {3,}.*$/, ''));
  return plain.flatMap((line) => [...line.matchAll(/\bgva [^|;&>]*/g)].map(([text]) => text.trim()));
}

describe.each(all)('%s', (path, command) => {
  it('has a description and examples', () => {
    expect(command.description(), path).not.toBe('');
    expect(examplesOf(command).length, path).toBeGreaterThan(0);
  });

  it('has examples of commands and options that there are', () => {
    for (const example of examplesOf(command)) {
      const words = example.split(/ +/).slice(1);
      let called = program;
      while (called.commands.length > 0) {
        const next = called.commands.find((each) => each.name() === words[0]);
        if (!next) break;
        called = next;
        words.shift();
      }
      const known = [...called.options, ...program.options].flatMap(({ short, long }) => [short, long]);
      const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
      const inGuest = called.name() === 'exec';
      const unknown = own.filter((word) => /^--?[a-z]/i.test(word) && !known.includes(word.split('=')[0]));
      if (!inGuest) expect(unknown, example).toEqual([]);
      expect(called === program && !words[0]?.startsWith('-'), example).toBe(false);
    }
  });

  it('says what each of its options is', () => {
    for (const option of command.options.filter(({ hidden }) => !hidden))
      expect(option.description, option.flags).not.toBe('');
  });
});

it('its help fits into a wide terminal', () => {
  const long = all.flatMap(([path, command]) =>
    helpOf(command)
      .split('\n')
      .filter((line) => line.length > 130)
      .map((line) => `${path}: ${line}`),
  );
  expect(long).toEqual([]);
});
