import { execFile } from 'node:child_process';
import { release } from 'node:os';
import { promisify } from 'node:util';
import { packageRoot, packageVersion } from '../system/package.js';
import { basesFolder, scratchFolder } from '../system/paths.js';
import { findProgram } from '../system/process.js';
import { printJson } from './action.js';

/** What `gva --version --verbose --json` prints. */
export interface Versions {
  readonly gva: string;
  /** Where this GVA is. */
  readonly folder: string;
  readonly node: string;
  readonly platform: string;
  readonly kernel: string;
  /** Of programs that it uses, as they say it themselves; null where they are not found. */
  readonly programs: Readonly<Record<string, string | null>>;
  /** Where base images are, and the disks of running instances. */
  readonly bases: string;
  readonly scratch: string;
}

/** Program, and the words for which it tells its version. */
const programs: Readonly<Record<string, readonly string[]>> = {
  'qemu-system-x86_64': ['--version'],
  'qemu-system-aarch64': ['--version'],
  'linux.uml': ['--version'],
  mke2fs: ['-V'],
  bwrap: ['--version'],
  sbatch: ['--version'],
};

/** Prints what a report of a mistake should have in it. */
export async function showVersions(json: boolean): Promise<void> {
  const versions = await findVersions();
  if (json) {
    printJson(versions);
    return;
  }
  const { programs: found, ...facts } = versions;
  const lines = [...Object.entries(facts), ...Object.entries(found)];
  const width = Math.max(...lines.map(([name]) => name.length));
  for (const [name, value] of lines) console.log(`${name.padEnd(width)}  ${value ?? 'not found'}`);
}

async function findVersions(): Promise<Versions> {
  const entries = Object.entries(programs).map(
    async ([name, words]) => [name, await versionOf(name, words)] as const,
  );
  return {
    ...{ gva: packageVersion(), folder: packageRoot, node: process.version },
    ...{ platform: `${process.platform} ${process.arch}`, kernel: release() },
    programs: Object.fromEntries(await Promise.all(entries)),
    ...{ bases: basesFolder(), scratch: scratchFolder() },
  };
}

const execute = promisify(execFile);

async function versionOf(name: string, words: readonly string[]): Promise<string | null> {
  const file = await findProgram(name);
  if (file === undefined) return null;
  const { stdout, stderr } = await execute(file, words, { timeout: 10_000 }).catch(() => ({
    stdout: '',
    stderr: '',
  }));
  return `${stdout}${stderr}`.trim().split('\n', 1)[0] ?? '';
}
