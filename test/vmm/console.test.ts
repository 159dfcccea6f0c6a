import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ConsoleRing, printable } from '../../src/vmm/console-ring.js';
import { GuestLines } from '../../src/vmm/lines.js';

describe('the console ring', () => {
  it('keeps the last bytes, whatever comes', () => {
    const ring = new ConsoleRing(10);
    for (let n = 0; n < 1000; n++) ring.append(Buffer.from(`${String(n).padStart(3, '0')}\n`));
    expect(ring.bytes().toString()).toBe('7\n998\n999\n');
    expect(ring.dropped).toBe(3990);
  });

  it('shows no escape sequences and control characters of a guest', () => {
    const ring = new ConsoleRing();
    ring.append(Buffer.from('\x1b[2J\x1b]0;title\x07red \x1b[31mtext\x1b[0m\r\n\u009b31m\n'));
    expect(ring.lastLines(5).join('')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/); // eslint-disable-line no-control-regex -- the point
    expect(printable('a\x1b[1mb')).toBe('ab');
    expect(printable('fdp.exe\u202egpj\u2066\u2029')).toBe('fdp.exe\ufffdgpj\ufffd\ufffd');
  });
});

describe('lines of a guest', () => {
  async function lines(...chunks: string[]): Promise<string[]> {
    const all: string[] = [];
    for await (const line of new GuestLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk)))))
      all.push(line);
    return all;
  }

  it('come whole, however the bytes arrive', async () => {
    const first = '@gva1 boot t=1\r\nzwei ü';
    const second = 'ber\n\nlast';
    expect(await lines(first, second)).toEqual(['@gva1 boot t=1', 'zwei über', '', 'last']);
    expect(await lines('a', '\n', 'b', 'c\n')).toEqual(['a', 'bc']);
  });

  it('are cut where a guest never ends them', async () => {
    const flood = await lines(...Array.from({ length: 100 }, () => 'x'.repeat(1000)));
    expect(Math.max(...flood.map((line) => line.length))).toBeLessThanOrEqual(6000);
    expect(flood.join('')).toHaveLength(100_000);
  });
});
