import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { JsonSchemas, Schema } from '../../tools/json-schemas.js';
import { packageRoot } from '../../src/system/package.js';

// What commands print with --json, held against docs/json-schemas.json: whatever a test is about, it sees what is documented.

const read = () =>
  JSON.parse(readFileSync(join(packageRoot, 'docs/json-schemas.json'), 'utf8')) as JsonSchemas;

let schemas: JsonSchemas | undefined;
const validators = new Map<string, z.ZodType>();

const errorSchema = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() }),
});

/** @throws where the output of `gva ARGS` is other than documented. Other output than that of `--json` is let pass. */
export function checkJsonOutput(args: readonly string[], stdout: string): void {
  if (!args.includes('--json') || args.includes('--help') || stdout === '') return;
  if (isError(stdout)) return;
  schemas ??= read();
  const command = commandOf(args, schemas);
  if (command === undefined) throw new Error(`docs/json.md does not say what gva ${args.join(' ')} prints`);
  const { lines } = schemas.commands[command] ?? {};
  const asLines = lines === true || (command === 'gva sweep list' && !stdout.startsWith('['));
  const documents = asLines ? stdout.trim().split('\n') : [stdout];
  for (const text of documents) check(command, JSON.parse(text), schemas);
}

/** One document, also of commands that print JSON Lines otherwise. */
function isError(stdout: string): boolean {
  try {
    return errorSchema.safeParse(JSON.parse(stdout)).success;
  } catch {
    return false;
  }
}

/** The longest command whose words the arguments begin with. */
function commandOf(args: readonly string[], { commands }: JsonSchemas): string | undefined {
  const words = ['gva', ...args];
  return [3, 2]
    .map((count) => words.slice(0, count).join(' '))
    .find((command) => Object.hasOwn(commands, command));
}

function check(command: string, value: unknown, all: JsonSchemas): void {
  const { error } = validatorOf(command, all).safeParse(value);
  if (!error) return;
  const text = JSON.stringify(value).slice(0, 2000);
  throw new Error(`${command} --json is not as docs/json.md says: ${z.prettifyError(error)}\n${text}`);
}

function validatorOf(command: string, { commands, $defs }: JsonSchemas): z.ZodType {
  const known = validators.get(command);
  if (known) return known;
  const schema = strict({ ...commands[command]?.schema, $defs });
  const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  validators.set(command, validator);
  return validator;
}

/** What is printed has nothing that is not documented; for readers, later versions may have more. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([name, value]) => [name, strict(value)]);
  const copy = Object.fromEntries(entries) as Schema;
  const closed = copy['type'] === 'object' && copy.properties && !('additionalProperties' in copy);
  return closed ? { ...copy, additionalProperties: false } : copy;
}
