import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { program } from '../../src/cli/main.js';
import { packageRoot } from '../../src/system/package.js';
import { pages } from '../../tools/docs.js';
import { schemasFile, schemasText } from '../../tools/json-page.js';
import type { JsonSchemas } from '../../tools/json-schemas.js';
import { comparePage } from '../../tools/page.js';

it.each(pages)('$file is what the code says (npm run docs)', async (page) => {
  const { is, should } = await comparePage(page);
  expect(is).toBe(should);
});

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
