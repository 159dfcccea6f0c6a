import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { chmodSync, linkSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openExt4, type Ext4 } from '../../src/disk/ext4/index.js';
import { checkRange, type BlockSource } from '../../src/disk/source.js';
import { requireTool } from '../support/tools.js';

/** A directory for one test, removed after it. */
export function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), 'gva-disk-'));
  onTestFinished(() => removeTree(path));
  return path;
}

/** Removes also what has no permissions left. */
export function removeTree(path: string | Buffer): void {
  rmSync(path, { recursive: true, force: true });
}

/** An image in memory: what a test patches needs no file. */
export class MemorySource implements BlockSource {
  readonly bytes: Buffer;
  /** Byte ranges that fail as a broken disk does. */
  readonly broken: { from: number; to: number }[] = [];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- rejects rather than throws, as a file does
  async read(offset: number, length: number): Promise<Buffer> {
    checkRange(offset, length, this.size);
    if (this.broken.some(({ from, to }) => offset < to && offset + length > from)) throw new BrokenDisk();
    return Buffer.from(this.bytes.subarray(offset, offset + length));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
