import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeFileAtomically } from '../../src/system/files.js';
import { packageRoot } from '../../src/system/package.js';
import {
  freshSibling,
  removeAbandonedIn,
  removeAbandonedSiblings,
  temporarySibling,
} from '../../src/system/temporary.js';
import { temporaryFolder } from '../support/gva.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let target: string;
let maker: ChildProcess | undefined;
beforeEach(async () => {
  folder = await temporaryFolder();
  target = join(folder.path, 'square.ova');
});
afterEach(async () => {
  maker?.kill('SIGKILL');
  await folder[Symbol.asyncDispose]();
});

const names = async () => (await readdir(folder.path)).sort();

/** A process, of the build, that has begun to publish the file and goes on for ever; gives the name of what it writes. */
async function beginElsewhere(): Promise<string> {
  const module = pathToFileURL(join(packageRoot, 'dist/src/system/files.js')).href;
  const script = `
    const { publishFile } = await import(${JSON.stringify(module)});
    const { writeFile } = await import('node:fs/promises');
    setInterval(() => {}, 1000);
    await publishFile(process.argv[1], async (temporary) => {
      await writeFile(temporary, 'half');
      console.log(temporary);
      await new Promise(() => {});
    });`;
  const args = ['--input-type=module', '-e', script, target];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  maker = child;
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return basename(text.toString().trim());
}

async function kill(): Promise<void> {
  maker?.kill('SIGKILL');
  if (maker) await once(maker, 'exit');
}

describe('what a killed process has left beside a file', () => {
  test('goes when the file is made again, but not while its maker lives', async () => {
    const left = await beginElsewhere();
    expect(await names()).toEqual([left]);
    await writeFileAtomically(target, 'whole');
    expect(await names()).toEqual([left, 'square.ova']);
    await kill();
    await writeFileAtomically(target, 'again');
    expect(await names()).toEqual(['square.ova']);
    expect(await readFile(target, 'utf8')).toBe('again');
  });

  test('is told from all else by its whole name', async () => {
    const left = await beginElsewhere();
    await kill();
    const others = ['.square.ova.0123456789ab.tmp', `${left}.txt`, `x${left}`, left.replace('ova', 'ovf')];
    for (const name of others) await writeFile(join(folder.path, name), '');
    await removeAbandonedSiblings(target);
    expect(await names()).toEqual(others.sort());
  });

  test('goes when a name is asked for, to make the file again', async () => {
    await beginElsewhere();
    await kill();
    expect(await names()).toHaveLength(1);
    expect(basename(await freshSibling(target))).toMatch(/^\.square\.ova\.[0-9a-f]+\.tmp$/);
    expect(await names()).toEqual([]);
  });

  test('goes with all others of dead processes where the whole folder is ours', async () => {
    const left = await beginElsewhere();
    const living = temporarySibling(join(folder.path, 'other'));
    const others = [left.replace('square', 'round'), '.square.ova.0123456789ab.tmp', basename(living)];
    for (const name of others) await writeFile(join(folder.path, name), '');
    await removeAbandonedIn(folder.path);
    expect(await names()).toEqual([left, ...others].sort());
    await kill();
    await removeAbandonedIn(folder.path);
    expect(await names()).toEqual(others.slice(1).sort());
  });

  test('may be a folder', async () => {
    const left = join(folder.path, await beginElsewhere());
    await kill();
    await rename(left, join(folder.path, 'content'));
    await mkdir(left);
    await rename(join(folder.path, 'content'), join(left, 'content'));
    await removeAbandonedSiblings(target);
    expect(await names()).toEqual([]);
  });

  test('stays if it is of another host or container, and goes if it is of this host before its restart', async () => {
    const left = await beginElsewhere();
    await kill();
    // After the prefix: boot, namespace, machine.
    const at = '.square.ova.'.length;
    const zeroed = (from: number, to: number) =>
      left.slice(0, at + from) + '0'.repeat(to - from) + left.slice(at + to);
    const [container, restarted, elsewhere] = [zeroed(8, 16), zeroed(0, 16), zeroed(0, 24)];
    for (const name of [container, restarted, elsewhere]) await writeFile(join(folder.path, name), '');
    await removeAbandonedSiblings(target);
    const hasId = (await readFile('/etc/machine-id', 'utf8').catch(() => '')).trim() !== '';
    expect(await names()).toEqual([container, elsewhere, ...(hasId ? [] : [restarted])].sort());
  });

  test('is found beside a file with the longest name', async () => {
    target = join(folder.path, 'ü'.repeat(127));
    const left = await beginElsewhere();
    await kill();
    await writeFileAtomically(target, 'whole');
    expect(await names()).toEqual([basename(target)]);
    expect(Buffer.byteLength(left)).toBeLessThanOrEqual(255);
  });
});

test('temporary names differ', () => {
  const made = new Set(Array.from({ length: 1000 }, () => temporarySibling(target)));
  expect(made.size).toBe(1000);
});
