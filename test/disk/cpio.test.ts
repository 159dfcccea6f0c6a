import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cpioArchive } from '../../src/disk/cpio.js';

describe('a cpio archive', () => {
  it('is what busybox reads', () => {
    const archive = cpioArchive([
      { kind: 'directory', path: 'bin' },
      { kind: 'file', path: 'bin/program', mode: 0o755, content: Buffer.from('#!/bin/sh\n') },
      { kind: 'symlink', path: 'init', target: 'bin/program' },
    ]);
    const listing = execFileSync('busybox', ['cpio', '-itv'], {
      input: archive,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const columns = listing
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/));
    expect(columns.map(([mode, , size]) => [mode, size])).toEqual([
      ['drwxr-xr-x', '0'],
      ['-rwxr-xr-x', '10'],
      ['lrwxrwxrwx', '0'],
    ]);
    expect(listing).toMatch(/init -> bin\/program/);
  });
});
