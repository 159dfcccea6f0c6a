import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { InstanceResult } from '../../src/model/result.js';
import { listTree } from '../../src/system/folder-digest.js';
import { packageRoot } from '../../src/system/package.js';
import { checkJsonOutput } from './json-output.js';

export const gvaProgram = join(packageRoot, 'bin/gva');

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the command line program to its end. What it prints with --json must be as it is documented. */
export function gva(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = tmpdir(),
  seconds = 280,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [gvaProgram, ...args],
      { cwd, env: { ...process.env, NO_COLOR: '1', ...env }, timeout: seconds * 1000, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
        try {
          if (code >= 0) checkJsonOutput(args, stdout);
        } catch (wrong) {
          reject(wrong instanceof Error ? wrong : new Error(String(wrong)));
        }
        resolve({ code, stdout, stderr });
      },
    );
    // Nothing is there to be read.
    child.stdin?.end();
  });
}

/** A folder that goes with its test. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'gva-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface ApplianceText {
  /** Entries of gva.yaml beside the name and `run: ./job.sh $(cat /cdrom/param)`. */
  yaml?: string;
  /** The body of app/job.sh. */
  job: string;
  /** More files of the appliance folder: path to content. */
  files?: Record<string, string | Uint8Array>;
}

/** Writes an appliance folder and gives its path. */
export async function writeAppliance(
  folder: string,
  { yaml = '', job, files = {} }: ApplianceText,
): Promise<string> {
  const all = {
    'gva.yaml': `name: test\nrun: ./job.sh $(cat /cdrom/param)\n${yaml}`,
    'app/job.sh': `#!/bin/sh\n${job}\n`,
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await chmod(join(folder, 'app/job.sh'), 0o755);
  return folder;
}

export async function readResult(out: string): Promise<InstanceResult> {
  return JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as InstanceResult;
}

/** Numbers of the live processes whose command line has this text in it. */
export async function processesWith(text: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '');
    // A zombie has no command line; one of our ancestors may carry the text in its own.
    if (commandLine.includes(text) && (await readlink(`/proc/${name}/exe`).catch(() => '')) !== '')
      found.push(Number(name));
  }
  return found;
}

/** What is in each file of the output of an instance, a character for each byte. */
export async function outputBytes(out: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { path, stat } of await listTree(join(out, 'output')))
    if (stat.isFile()) files[path] = (await readFile(join(out, 'output', path))).toString('latin1');
  return files;
}

/** Waits until the condition holds; the test's own time limit is the only clock. */
export async function eventually(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Waits until no process with this text in its command line runs: what was killed takes a moment to go. */
export const noneLeft = (text: string) => eventually(async () => (await processesWith(text)).length === 0);
