import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../src/cli/main.js';
import { callsIn, mistakesOf } from '../support/command-lines.js';

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
  return callsIn(lines);
}

describe.each(all)('%s', (path, command) => {
  it('has a description and examples', () => {
    expect(command.description(), path).not.toBe('');
    expect(examplesOf(command).length, path).toBeGreaterThan(0);
  });

  it('has examples of commands and options that there are', () => {
    const wrong = examplesOf(command).map((example) => [example, ...mistakesOf(example)]);
    expect(wrong.filter(({ length }) => length > 1)).toEqual([]);
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
