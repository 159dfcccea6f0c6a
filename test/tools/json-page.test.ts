import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../src/cli/main.js';
import { packageRoot } from '../../src/system/paths.js';
import { schemasFile, schemasText } from '../../tools/json-page.js';
import type { JsonSchemas } from '../../tools/json-schemas.js';
import { checkJsonOutput } from '../support/json-output.js';

const written = await readFile(join(packageRoot, schemasFile), 'utf8');

function withJson(command: Command, before: string): string[] {
  const path = before === '' ? command.name() : `${before} ${command.name()}`;
  const own = command.options.some(({ long }) => long === '--json') ? [path] : [];
  return [...own, ...command.commands.flatMap((each) => withJson(each, path))];
}

it('docs/json-schemas.json is what the types say (npm run docs)', () => {
  expect(written).toBe(schemasText());
});

it('every command that has --json says what it prints, and none else', () => {
  const { commands } = JSON.parse(written) as JsonSchemas;
  expect(Object.keys(commands).sort()).toEqual([...withJson(program, ''), 'gva --version'].sort());
});

describe('checkJsonOutput', () => {
  const pack = { file: 'a.ova', size: 1, members: [] };

  it('lets pass what is documented, and errors', () => {
    checkJsonOutput(['pack', 'a', '--json'], JSON.stringify(pack));
    checkJsonOutput(['pack', 'a', '--json'], '{"error": {"code": "A", "message": "b"}}');
    checkJsonOutput(['pack', 'a'], 'anything');
  });

  it('finds what is missing, of another type, or not documented', () => {
    const refuse = (value: object, words = ['pack', '--json']) =>
      expect(() => checkJsonOutput(words, JSON.stringify(value)));
    refuse({ ...pack, size: undefined }).toThrow('size');
    refuse({ ...pack, size: '1' }).toThrow('size');
    refuse({ ...pack, more: 1 }).toThrow('more');
    refuse({ ...pack, members: [{ name: 'x', size: 1 }] }).toThrow('digest');
    refuse(pack, ['unpack', '--json']).toThrow('does not say');
  });

  it('takes each of JSON Lines by itself', () => {
    const line = '{"point":0,"parameters":{"n":1}}\n';
    checkJsonOutput(['plan', 'p', '--json'], line + line);
    expect(() => checkJsonOutput(['plan', 'p', '--json'], `${line}{"point":1}\n`)).toThrow('Invalid');
  });
});
