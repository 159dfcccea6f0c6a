import { readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { describe, expect, it } from 'vitest';
import { refusedCalls, systemCallFilter } from '../../src/vmm/system-call-filter.js';

// What the filter says is computed here, as the kernel does (linux/filter.h); that it is in force: test/vm/confinement.test.ts.

interface Call {
  readonly number: number;
  readonly architecture?: number;
  readonly first?: number;
  readonly second?: number;
}

const allowed = 0x7fff0000;
const killed = 0x80000000;
const error = (errno: number) => 0x50000 + errno;
const [EPERM, ENOSYS, EAFNOSUPPORT] = [error(1), error(38), error(97)];

function verdict(
  program: Buffer,
  { number, architecture = 0xc000003e, first = 0, second = 0 }: Call,
): number {
  // struct seccomp_data: number, architecture, instruction pointer, arguments.
  const data = Buffer.alloc(64);
  for (const [offset, value] of [
    [0, number],
    [4, architecture],
    [16, first],
    [24, second],
  ] as const)
    data.writeUInt32LE(value, offset);
  let loaded = 0;
  for (let at = 0; at < program.length; at += 8) {
    const code = program.readUInt16LE(at);
    const value = program.readUInt32LE(at + 4);
    if (code === 0x06) return value;
    if (code === 0x20) loaded = data.readUInt32LE(value);
    else {
      const holds =
        code === 0x15 ? loaded === value : code === 0x35 ? loaded >= value : (loaded & value) !== 0;
      expect([0x15, 0x35, 0x45]).toContain(code);
      at += 8 * program.readUInt8(at + (holds ? 2 : 3));
    }
  }
  throw new Error('the program has no end');
}

/** Numbers of this machine's headers. */
async function numbers(): Promise<Map<string, number>> {
  const header = await readFile('/usr/include/x86_64-linux-gnu/asm/unistd_64.h', 'utf8');
  const lines = header.matchAll(/^#define __NR_(\w+) (\d+)$/gm);
  return new Map(Array.from(lines, ([, name = '', number]) => [name, Number(number)]));
}

const filter = systemCallFilter('x64')!;

describe.skipIf(arch() !== 'x64')('the filter of system calls (headers of x86-64)', () => {
  it('has the numbers of Linux', async () => {
    const known = await numbers();
    expect(known.size).toBeGreaterThan(300);
    for (const [name, number] of Object.entries(refusedCalls))
      expect([name, known.get(name)]).toEqual([name, number]);
  });

  it('refuses what is named, and lets through all else that its time knew', async () => {
    for (const [name, number] of await numbers()) {
      const expected =
        name in refusedCalls
          ? EPERM
          : name === 'clone3' || number > 450
            ? ENOSYS
            : name === 'socket'
              ? EAFNOSUPPORT
              : allowed;
      expect([name, verdict(filter, { number })]).toEqual([name, expected]);
    }
  });
});

describe('the filter of system calls', () => {
  it('ends programs of another architecture, and knows neither x32 nor what is to come', () => {
    expect(verdict(filter, { number: 0, architecture: 0x40000003 })).toBe(killed);
    expect(verdict(filter, { number: 0x40000000 + 39 })).toBe(ENOSYS);
    expect(verdict(filter, { number: 0x40000000 + 165 })).toBe(ENOSYS);
    expect(verdict(filter, { number: 1000 })).toBe(ENOSYS);
  });

  it('lets processes and threads begin, but no namespaces', () => {
    // SIGCHLD; what pthread_create(3) asks for; CLONE_NEWUSER and CLONE_NEWNET with SIGCHLD.
    for (const flags of [17, 0x3d0f00]) expect(verdict(filter, { number: 56, first: flags })).toBe(allowed);
    for (const flags of [0x10000011, 0x40000011, 0x7e020011])
      expect(verdict(filter, { number: 56, first: flags })).toBe(EPERM);
  });

  it('has sockets of this host and of the internet only', () => {
    const families = Array.from({ length: 46 }, (_, family) => family);
    const possible = families.filter((first) => verdict(filter, { number: 41, first }) === allowed);
    expect(possible).toEqual([1, 2, 10]);
  });

  it('types nothing at a terminal', () => {
    const requests = { TCGETS: 0x5401, TIOCSTI: 0x5412, TIOCLINUX: 0x541c, FIONREAD: 0x541b };
    const verdicts = Object.entries(requests).map(([name, second]) => [
      name,
      verdict(filter, { number: 16, second }),
    ]);
    expect(verdicts).toEqual([
      ['TCGETS', allowed],
      ['TIOCSTI', EPERM],
      ['TIOCLINUX', EPERM],
      ['FIONREAD', allowed],
    ]);
  });

  it('is not there for processors that it has no numbers for', () => {
    expect(systemCallFilter('arm64')).toBeUndefined();
  });
});
