import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openExt4 } from '../../disk/ext4/index.js';
import { Findings } from '../../disk/findings.js';
import { listTree } from '../../disk/list.js';
import { openRaw } from '../../disk/source.js';
import { resultFiles } from '../../system/paths.js';
import { whenStarted } from '../../system/process.js';
import { outputFolder } from './kept.js';

/** Of one point; a guest may have left any number of files. */
const limits = { entries: 5000, depth: 12 } as const;

/**
 * Paths of the regular files of a point's output, as `readKept()` takes them, however it is kept; what the scripts said
 * is not among them. Names that are no plain text may lead nowhere. Of very many files, the first.
 *
 * @param folder of the point
 */
export async function listKept(folder: string): Promise<string[]> {
  const [archive, image] = [join(folder, resultFiles.archive), join(folder, resultFiles.image)];
  const found: string[] = [];
  const source = existsSync(archive)
    ? archived(archive)
    : existsSync(image)
      ? imaged(image)
      : inFolder(join(folder, resultFiles.output), '', 0);
  let entries = 0;
  for await (const path of source) {
    if (++entries > limits.entries) break;
    if (!path.startsWith('.gva/')) found.push(path);
  }
  return found.sort();
}

async function* inFolder(root: string, below: string, depth: number): AsyncGenerator<string> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isFile()) yield path;
    else if (entry.isDirectory() && depth < limits.depth) yield* inFolder(root, path, depth + 1);
  }
}

async function* archived(archive: string): AsyncGenerator<string> {
  const options = ['--force-local', '--list', '--quoting-style=literal', '--show-transformed-names'];
  const tar = await whenStarted(
    spawn('tar', [...options, `--file=${archive}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
    }),
  );
  const closed = once(tar, 'close');
  closed.catch(() => undefined);
  try {
    for await (const line of createInterface({ input: tar.stdout })) {
      const path = line.replace(/^\.\//, '');
      if (path !== '' && !path.endsWith('/')) yield path;
    }
    await closed;
  } finally {
    tar.kill('SIGKILL');
  }
}

async function* imaged(image: string): AsyncGenerator<string> {
  await using source = await openRaw(image);
  const tree = await openExt4(source);
  const prefix = outputFolder(tree) === '' ? '' : `${outputFolder(tree)}/`;
  const options = { maxEntries: limits.entries, maxDepth: limits.depth, timeMs: 10_000 };
  for await (const { path, node } of listTree(tree, new Findings(), options)) {
    const name = path.toString('utf8');
    if (node.kind === 'file' && name.startsWith(prefix)) yield name.slice(prefix.length);
  }
}
