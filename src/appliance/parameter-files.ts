import type { MediumEntry } from '../disk/medium-entry.js';
import type { Appliance } from '../model/appliance.js';
import type { ParameterValues } from '../model/parameter.js';
import { parameterText } from '../model/parameter.js';
import { ovfEnvironment } from '../ovf/environment.js';

/** Names on the parameter CD that are GVA's; files of the user's lie beside them. */
export const reservedNames = [
  'param',
  'params.json',
  'params.sh',
  'param.d',
  'ovf-env.xml',
  'script-bin',
  '.gva',
];

/** The files of the parameter CD (docs/guest-contract.md, "Parameters"). */
export function parameterFiles(values: ParameterValues, instance: string): MediumEntry[] {
  const pairs = Object.entries(values).map(([name, value]) => ({ name, text: parameterText(value) }));
  const words = pairs.map(({ text }) => text.replace(/[\r\n\t]/g, ' ')).join(' ');
  const file = (path: string, text: string): MediumEntry => ({
    kind: 'file',
    path,
    content: Buffer.from(text),
  });
  return [
    file('param', `${words}\n`),
    file('params.json', `${JSON.stringify(values)}\n`),
    file('params.sh', pairs.map(({ name, text }) => `${name}=${shellQuote(text)}\n`).join('')),
    { kind: 'directory', path: 'param.d' },
    ...pairs.map(({ name, text }) => file(`param.d/${name}`, text)),
    environmentFile(values, instance),
  ];
}

/** The OVF environment alone, for guests that know nothing of GVA. */
export function environmentFile(values: ParameterValues, instance: string): MediumEntry {
  const pairs = Object.entries(values).map(([name, value]) => ({ name, text: parameterText(value) }));
  return { kind: 'file', path: 'ovf-env.xml', content: Buffer.from(ovfEnvironment(instance, pairs)) };
}

/**
 * What the application disk says of the parameters, path to text: their types in the order of declaration, for CDs
 * with an OVF environment alone, and the values that hold where no CD comes.
 */
export function packedDefaults({
  name: instance,
  parameters,
}: Pick<Appliance, 'name' | 'parameters'>): Record<string, string> {
  const defaults = Object.fromEntries(
    parameters.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value]])),
  );
  const files = parameterFiles(defaults, instance).flatMap((entry) =>
    entry.kind === 'file' && entry.content instanceof Uint8Array
      ? [[`.gva/cdrom/${entry.path}`, Buffer.from(entry.content).toString()] as const]
      : [],
  );
  const declarations = parameters.map(({ type, name }) => `${type} ${name}\n`).join('');
  return { '.gva/parameters': declarations, ...Object.fromEntries(files) };
}

/** The text as one word of a POSIX shell, whatever is in it (POSIX.1-2017, XCU 2.2.2). */
export const shellQuote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
