import type { GeneratedPage } from './page.js';
import { type CommandSchema, type JsonSchemas, type Schema, jsonSchemas } from './json-schemas.js';

/** Made once: the compiler reads many files for it. */
let made: JsonSchemas | undefined;
const schemas = () => (made ??= jsonSchemas());

export const jsonPage: GeneratedPage = {
  file: 'docs/json.md',
  text: () => Promise.resolve(pageOf(schemas())),
};

/** `docs/json-schemas.json`: for programs. */
export const schemasFile = 'docs/json-schemas.json';

export function schemasText(): string {
  const { commands, $defs } = schemas();
  const $schema = 'https://json-schema.org/draft/2020-12/schema';
  return `${JSON.stringify({ $schema, commands, $defs }, null, 2)}\n`;
}

function pageOf({ commands, $defs }: JsonSchemas): string {
  const sections = Object.entries(commands).map(([command, schema]) => commandSection(command, schema));
  const types = Object.entries($defs).map(([name, schema]) => `### \`${name}\`\n\n${fieldsTable(schema)}`);
  return `${sections.join('\n\n')}\n\n## Types\n\n${types.join('\n\n')}\n`;
}

function commandSection(command: string, { description, lines, schema }: CommandSchema): string {
  const how = lines ? 'JSON Lines, each line' : 'One document';
  const events = eventsOf(schema);
  if (events) return `## \`${command}\`\n\n${description} ${how} one of\n\n${events.join('\n')}`;
  const fields = schema.properties ? `\n\n${fieldsTable(schema)}` : '';
  return `## \`${command}\`\n\n${description} ${how}: ${typeText(schema)}.${fields}`;
}

/** Of lines that are told apart by their `event`. */
function eventsOf({ anyOf }: Schema): string[] | undefined {
  if (!Array.isArray(anyOf) || anyOf.length < 3) return undefined;
  return (anyOf as Schema[]).map((each) => {
    const { event, ...fields } = each.properties ?? {};
    if (!event) return `- ${typeText(each)}`;
    const names = Object.keys(fields).map((name) => `\`${name}\`${each.required?.includes(name) ? '' : '?'}`);
    return `- ${typeText(event)}: ${names.join(', ')}`;
  });
}

function fieldsTable({ properties = {}, required = [], ...rest }: Schema): string {
  const rows = Object.entries(properties).map(
    ([name, field]) =>
      `| \`${name}\`${required.includes(name) ? '' : ' (optional)'} | ${cell(typeText(field))} | ${cell(field.description ?? '')} |`,
  );
  if (rows.length === 0) return typeText(rest);
  return ['| field | type | |', '| --- | --- | --- |', ...rows].join('\n');
}

const cell = (text: string) => text.replaceAll('|', '\\|');

/** A schema in a few words; names of types are links. */
function typeText(schema: Schema): string {
  const { $ref, anyOf, items, additionalProperties, type } = schema;
  if (typeof $ref === 'string') {
    const name = $ref.split('/').at(-1) ?? '';
    return `[${name}](#${name.toLowerCase()})`;
  }
  if ('const' in schema) return `\`${JSON.stringify(schema['const'])}\``;
  if (Array.isArray(schema['enum']))
    return schema['enum'].map((value) => `\`${JSON.stringify(value)}\``).join(' or ');
  if (Array.isArray(anyOf)) return anyOf.map((each) => typeText(each as Schema)).join(' or ');
  if (type === 'array') return `list of ${typeText((items ?? {}) as Schema)}`;
  if (additionalProperties) return `names with ${typeText(additionalProperties as Schema)}`;
  if (type === 'object' && schema.properties)
    return `object with ${Object.keys(schema.properties).join(', ')}`;
  return typeof type === 'string' ? type : 'anything';
}
