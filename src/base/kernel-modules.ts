import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ExitCode, GvaError } from '../system/errors.js';
import { readTextIfExists } from '../system/files.js';
import { runTool } from '../system/process.js';

export interface KernelModule {
  name: string;
  /** The uncompressed .ko. */
  content: Buffer;
  /** Names of the modules that must be loaded before. */
  depends: string[];
  /** Names by which the kernel may ask for it (`fs-iso9660`). */
  aliases: string[];
}

const moduleName = (file: string) =>
  basename(file)
    .replace(/\.ko(\.(xz|zst|gz))?$/, '')
    .replaceAll('-', '_');

/**
 * The named modules and all that they depend on, dependencies first, from a folder as /lib/modules/RELEASE.
 * Names that are built into the kernel are left out; a name that is neither is an error.
 *
 * @param optional more names, which this kernel may lack
 */
export async function readModules(
  folder: string,
  names: readonly string[],
  optional: readonly string[] = [],
): Promise<KernelModule[]> {
  const builtIn = ((await readTextIfExists(join(folder, 'modules.builtin'))) ?? '')
    .split('\n')
    .map(moduleName);
  const files = new Map<string, string>();
  for (const file of await readdir(folder, { recursive: true }))
    if (/\.ko(\.(xz|zst|gz))?$/.test(file)) files.set(moduleName(file), join(folder, file));
  const modules = new Map<string, KernelModule>();
  const add = async (name: string): Promise<void> => {
    const file = files.get(name);
    if (modules.has(name) || (!file && builtIn.includes(name))) return;
    if (!file)
      throw new GvaError('MODULE_MISSING', `the kernel in ${folder} has no module ${name}`, {
        exitCode: ExitCode.infrastructure,
      });
    const module = describeModule(name, await readModuleFile(file));
    for (const dependency of module.depends) await add(dependency);
    modules.set(name, module);
  };
  for (const name of names) await add(name);
  for (const name of optional) if (files.has(name)) await add(name);
  return [...modules.values()];
}

async function readModuleFile(file: string): Promise<Buffer> {
  if (file.endsWith('.xz')) return runTool('xz', ['-dc', file]);
  if (file.endsWith('.zst')) return runTool('zstd', ['-dc', file]);
  if (file.endsWith('.gz')) return runTool('gzip', ['-dc', file]);
  return readFile(file);
}

/** What the ELF section .modinfo says: NUL-terminated KEY=VALUE strings. */
function describeModule(name: string, content: Buffer): KernelModule {
  const text = content.toString('latin1');
  const values = (key: string) =>
    [...text.matchAll(new RegExp(`(?:^|\\0)${key}=([\\w,.:*-]*)(?=\\0)`, 'g'))].map(
      (match) => match[1] ?? '',
    );
  const depends = values('depends').flatMap((list) => list.split(',').filter(Boolean));
  return { name, content, depends: depends.map((d) => d.replaceAll('-', '_')), aliases: values('alias') };
}

/**
 * The modules.dep that modprobe reads: each file with all files it needs, which modprobe loads from the last to
 * the first.
 *
 * @param modules dependencies first
 */
export function modulesDep(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const closure = (name: string): string[] => {
    const depends = (byName.get(name)?.depends ?? []).filter((dependency) => byName.has(dependency));
    return [...depends, ...depends.flatMap(closure)];
  };
  const dependentsFirst = modules.map(({ name }) => name).reverse();
  return modules
    .map(({ name }) => {
      const needed = new Set(closure(name));
      const files = dependentsFirst.filter((each) => needed.has(each)).map((each) => ` ${each}.ko`);
      return `${name}.ko:${files.join('')}\n`;
    })
    .join('');
}

/** The modules.alias that modprobe reads. */
export function modulesAlias(modules: readonly KernelModule[]): string {
  return modules.flatMap(({ name, aliases }) => aliases.map((alias) => `alias ${alias} ${name}\n`)).join('');
}
