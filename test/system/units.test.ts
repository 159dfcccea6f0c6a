import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/system/units.js';

describe('units', () => {
  it('sizes are binary', () => {
    for (const [text, bytes] of [
      ['256M', 2 ** 28],
      ['1.5G', 1.5 * 2 ** 30],
      ['4096', 4096],
      ['64 MiB', 2 ** 26],
      ['2kb', 2048],
      ['7B', 7],
    ] as const)
      expect(parseSize(text), text).toBe(bytes);
    for (const text of ['', 'M', '-1M', '1X', '1e3', '99999999T', '0x10'])
      expect(parseSize(text), text).toBeUndefined();
    expect([0, 12, 1536, 2 ** 26, 1.5 * 2 ** 30].map(formatSize)).toEqual([
      '0 B',
      '12 B',
      '1.5 KiB',
      '64 MiB',
      '1.5 GiB',
    ]);
  });

  it('durations are seconds unless they say otherwise', () => {
    for (const [text, seconds] of [
      ['90', 90],
      ['90s', 90],
      ['15m', 900],
      ['2h', 7200],
      ['1.5d', 129600],
      ['250ms', 0.25],
    ] as const)
      expect(parseDuration(text), text).toBe(seconds);
    for (const text of ['', 's', '-1s', '1 week']) expect(parseDuration(text), text).toBeUndefined();
    expect([0.4213, 12.34, 245, 7620].map(formatDuration)).toEqual(['0.42 s', '12.3 s', '4m05s', '2h07m']);
  });
});
