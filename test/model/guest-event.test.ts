import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGuestEvent } from '../../src/model/guest-event.js';

describe('a line of the guest', () => {
  it('is an event where it follows the protocol', () => {
    expect(parseGuestEvent('@gva1 script-end t=1.25 name=a%20b status=0')).toEqual({
      ...{ name: 'script-end', uptime: 1.25 },
      fields: { t: '1.25', name: 'a b', status: '0' },
    });
    expect(parseGuestEvent('[ 1.0] noise @gva1 idle t=2')?.name).toBe('idle');
  });

  it('is none otherwise', () => {
    for (const line of [
      '',
      'boot',
      '@gva1 ',
      '@gva1 unknown t=1',
      '@gva2 boot t=1',
      `@gva1 boot x=${'y'.repeat(5000)}`,
    ])
      expect(parseGuestEvent(line), line.slice(0, 40)).toBeUndefined();
  });

  it('may be anything, and nothing is thrown', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        (text) => void parseGuestEvent(`@gva1 boot ${text}`),
      ),
    );
    expect(parseGuestEvent('@gva1 boot t=x a=%E0%A4%A b=%zz =c d')?.fields).toEqual({
      t: 'x',
      a: '%E0%A4%A',
      b: '%zz',
    });
  });
});
