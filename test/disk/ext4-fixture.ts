import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { checkRange, type BlockSource } from '../../src/disk/source.js';
import { GvaError } from '../../src/system/errors.js';
import { requireTool } from '../support/tools.js';

/** A directory for one test, removed after it. */
export function scratch(): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'gva-disk-'));
  onTestFinished(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What to make at a path; a text is a file with that content. */
export type Plant =
  | string
  | { file: string | Buffer; mode?: number; mtime?: number }
  | { directory: true; mode?: number }
  | { symlink: string }
  | { hardLink: string }
  | { holes: [offset: number, data: string][]; size: number };

/** Makes files, directories and links below `folder`, by their paths; parents are made as needed. */
export function plant(folder: string, plants: Readonly<Record<string, Plant>>): void {
  fs.mkdirSync(folder, { recursive: true });
  for (const [path, what] of Object.entries(plants)) plantOne(folder, join(folder, path), what);
}

function plantOne(folder: string, path: string, what: Plant): void {
  fs.mkdirSync(dirname(path), { recursive: true });
  if (typeof what === 'string') fs.writeFileSync(path, what);
  else if ('file' in what) {
    fs.writeFileSync(path, what.file);
    if (what.mode !== undefined) fs.chmodSync(path, what.mode);
    if (what.mtime !== undefined) fs.utimesSync(path, new Date(), new Date(what.mtime * 1000));
  } else if ('directory' in what) {
    fs.mkdirSync(path);
    fs.chmodSync(path, what.mode ?? 0o755);
  } else if ('symlink' in what) fs.symlinkSync(what.symlink, path);
  else if ('hardLink' in what) fs.linkSync(join(folder, what.hardLink), path);
  else plantHoles(path, what.holes, what.size);
}

function plantHoles(path: string, holes: [offset: number, data: string][], size: number): void {
  const descriptor = fs.openSync(path, 'wx');
  fs.ftruncateSync(descriptor, size);
  for (const [offset, data] of holes) fs.writeSync(descriptor, data, offset);
  fs.closeSync(descriptor);
}

export interface ImageOptions {
  /** Arguments of mke2fs, such as `-O` and `-b`. */
  mke2fs?: readonly string[];
  /** KiB. */
  size?: number;
}

/** Makes a file system with the content of a folder, and gives the image's path. */
export function makeImage(
  folder: string,
  image: string,
  { mke2fs = [], size = 4096 }: ImageOptions = {},
): string {
  const type = mke2fs.includes('-t') ? [] : ['-t', 'ext4'];
  const fixed = ['-q', '-F', ...type, '-U', '6a2c5bd2-7b0c-4b8e-9a53-5f1e6d1c0001'];
  run('mke2fs', [...fixed, ...mke2fs, '-d', folder, image, `${size}k`]);
  return image;
}

/** Makes an image in memory that has exactly these files. */
export function imageOf(plants: Readonly<Record<string, Plant>>, options: ImageOptions = {}): Buffer {
  const folder = fs.mkdtempSync(join(tmpdir(), 'gva-disk-'));
  try {
    plant(join(folder, 'tree'), plants);
    return fs.readFileSync(makeImage(join(folder, 'tree'), join(folder, 'image'), options));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs an oracle, and gives its standard output. Throws when it fails. */
export function run(tool: string, args: readonly string[], input?: string): string {
  const stdio = ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'];
  return execFileSync(requireTool(tool), args, {
    stdio,
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  });
}

/** What lies below a folder, by path: kind, mode, content or target, and time in whole seconds if wanted. */
export function contentsOf(folder: string, { times = false } = {}): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (path: Buffer, name: string): void => {
    for (const entry of fs.readdirSync(path, { encoding: 'buffer' })) {
      const child = Buffer.concat([path, Buffer.from('/'), entry]);
      const childName = name + entry.toString('latin1');
      const stats = fs.lstatSync(child);
      const time = times ? ` at ${Math.floor(stats.mtimeMs / 1000)}` : '';
      found.set(childName, describe(child, stats) + time);
      if (stats.isDirectory()) visit(child, `${childName}/`);
    }
  };
  visit(Buffer.from(folder), '');
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describe(path: Buffer, stats: fs.Stats): string {
  const mode = (stats.mode & 0o7777).toString(8);
  if (stats.isSymbolicLink()) return `link to ${fs.readlinkSync(path, 'latin1')}`;
  if (stats.isDirectory()) return `directory ${mode}`;
  if (!stats.isFile()) return 'special';
  return `file ${mode} ${stats.size} ${stats.size > 16 << 20 ? '(large)' : withoutZeros(fs.readFileSync(path))}`;
}

/** Contents as latin1 text in which blocks of 64 zeros are named, not printed. */
export function withoutZeros(contents: Buffer): string {
  return contents.toString('latin1').split('\0'.repeat(64)).join('\u2205');
}

/** An image in memory: what a test patches needs no file. */
export class MemorySource implements BlockSource {
  readonly bytes: Buffer;
  /** Ranges of bytes that fail as those of a broken disk do. */
  readonly broken: { from: number; to: number }[] = [];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- it rejects where a file does
  async read(offset: number, length: number): Promise<Buffer> {
    checkRange(offset, length, this.size);
    const isBroken = this.broken.some(({ from, to }) => offset < to && offset + length > from);
    if (isBroken) throw new GvaError('IMAGE_READ', 'a broken sector');
    return Buffer.from(this.bytes.subarray(offset, offset + length));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
