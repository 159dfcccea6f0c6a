import { execFile } from 'node:child_process';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { temporaryFolder } from './gva.js';

/** All blocks of `sh` of a text. */
export const shellBlocks = (text: string) =>
  [...text.matchAll(/^```sh\n([^`]*)^```/gm)].map((match) => match[1] ?? '');

/**
 * Runs blocks of a document as they stand, one after the other, in an empty folder, where `gva`, `./bin/gva` and `examples/` are these.
 * All of them must work.
 */
export async function expectBlocksWork(
  blocks: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  expect(blocks.length).toBeGreaterThan(0);
  await using folder = await temporaryFolder();
  for (const name of ['bin', 'examples']) await symlink(join(packageRoot, name), join(folder.path, name));
  const path = `${join(packageRoot, 'bin')}:${process.env['PATH'] ?? ''}`;
  for (const block of blocks) {
    const outcome = await new Promise<string>((resolve) => {
      const config = join(folder.path, '.config');
      const options = {
        cwd: folder.path,
        env: { ...process.env, XDG_CONFIG_HOME: config, ...env, PATH: path },
      };
      execFile('sh', ['-eu', '-c', block], options, (error, stdout, stderr) =>
        resolve(error ? `failed: ${error.message}\n${stdout}${stderr}` : 'worked'),
      );
    });
    expect(outcome, block).toBe('worked');
  }
}

export const readDocument = (name: string) => readFile(join(packageRoot, name), 'utf8');
