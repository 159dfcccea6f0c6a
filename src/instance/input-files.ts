import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { reservedNames } from '../appliance/parameter-files.js';
import { GvaError, messageOf } from '../system/errors.js';
import { digestFile } from '../system/files.js';
import type { InputFile } from './identity.js';

/**
 * `--file SRC[=NAME]` words as files of the parameter CD. NAME is the last part of SRC where it is not given;
 * a SRC that has a `=` in it needs a NAME.
 */
export async function inputFilesFromWords(words: readonly string[]): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const word of words) {
    const equals = word.lastIndexOf('=');
    const source = equals < 0 ? word : word.slice(0, equals);
    const name = equals < 0 ? basename(word) : word.slice(equals + 1);
    files.push(await inputFile(source, name, files));
  }
  return files;
}

/** Folder of a medium whose programs GVAD runs (docs/guest-contract.md, "Scripts"). */
const scriptFolder = 'script-bin/';

export const isScript = (name: string) => name.startsWith(scriptFolder);

/** `--script SRC` words as scripts of the parameter medium, in the order of their names. */
export async function scriptsFromWords(words: readonly string[]): Promise<InputFile[]> {
  const scripts: InputFile[] = [];
  for (const source of words) {
    const name = basename(source);
    if (scripts.some((script) => script.name === scriptFolder + name))
      throw new GvaError('INPUT_FILE', `there are two scripts ${JSON.stringify(name)}`, {
        hint: 'Scripts are run in the order of their names: give each one of its own.',
      });
    scripts.push(await describe(source, scriptFolder + name));
  }
  return scripts;
}

/** A file of the host as `name` on the parameter CD, beside the `others`. */
export async function inputFile(
  source: string,
  name: string,
  others: readonly InputFile[],
): Promise<InputFile> {
  checkName(name, others);
  return await describe(source, name);
}

function checkName(name: string, others: readonly InputFile[]): void {
  const parts = name.split('/');
  const refuse = (problem: string) =>
    new GvaError('INPUT_FILE', `file name ${JSON.stringify(name)} ${problem}`);
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw refuse('must be a relative path without empty parts, "." and ".."');
  if (reservedNames.includes(parts[0] ?? ''))
    throw new GvaError(
      'INPUT_FILE',
      `file name ${JSON.stringify(name)} is one that GVA uses on the parameter CD`,
      {
        hint: 'Give it another name: --file SRC=NAME',
      },
    );
  if (others.some((other) => other.name === name)) throw refuse('is given twice');
}

async function describe(source: string, name: string): Promise<InputFile> {
  try {
    const info = await stat(source);
    if (!info.isFile())
      throw new GvaError('INPUT_FILE', `${source} is not a file`, {
        hint: 'Put folders into the data/ of the appliance, or pack them into one file.',
      });
    return { name, source, size: info.size, sha256: await digestFile(source) };
  } catch (error) {
    if (error instanceof GvaError) throw error;
    throw new GvaError('INPUT_FILE', `cannot read the file ${source}: ${messageOf(error)}`, { cause: error });
  }
}
