import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InstanceResult } from '../src/model/result.js';
import { packageRoot } from '../src/system/package.js';

export const execute = promisify(execFile);

/** Runs the command line program, which must succeed. */
export async function gva(...args: string[]): Promise<void> {
  await execute(join(packageRoot, 'bin/gva'), args);
}

export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gva-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function readResult(out: string): Promise<InstanceResult> {
  return JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as InstanceResult;
}
