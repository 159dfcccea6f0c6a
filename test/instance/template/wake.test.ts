import { describe, expect, it } from 'vitest';
import { parseGuestEvent } from '../../../src/model/guest-event.js';
import {
  newIdentity,
  notAwake,
  resumeLine,
  type WakeIdentity,
  wakeDevices,
  wakeLine,
} from '../../../src/instance/template/wake.js';

const identity: WakeIdentity = {
  ...{ id: 'blast-17', hostname: 'blast-17', machineId: '0123456789abcdef0123456789abcdef' },
  bootId: '6a2c5bd2-7b0c-4b8e-9a53-5f1e6d1c0001',
  seed: Buffer.alloc(32, 0xa5),
};

describe('the line that wakes a clone', () => {
  it('has everything in its place', () => {
    expect(wakeLine(identity, { app: 'vdb', cdrom: 'vdd' }, 1_700_000_000_123.5)).toBe(
      `wake 1700000000 123500000 ${'a5'.repeat(32)} blast-17 blast-17 0123456789abcdef0123456789abcdef ` +
        '6a2c5bd2-7b0c-4b8e-9a53-5f1e6d1c0001 app=vdb cdrom=vdd\n',
    );
  });

  it('names the media by their places, and the root disk not', () => {
    const disks = (['root', 'app', 'data', 'output', 'cdrom'] as const).map((id) => ({ id }));
    expect(wakeDevices(disks)).toEqual({ app: 'vdb', data: 'vdc', output: 'vdd', cdrom: 'vde' });
  });

  it('is different for each clone', () => {
    const all = Array.from({ length: 50 }, () => newIdentity('same'));
    for (const part of ['machineId', 'bootId'] as const)
      expect(new Set(all.map((one) => one[part])).size).toBe(50);
    expect(new Set(all.map(({ seed }) => seed.toString('hex'))).size).toBe(50);
  });

  it.each([
    ['blast-17', 'blast-17', /^blast-17$/],
    ['my.app_2-9', 'my.app_2-9', /^my-app-2-9-[0-9a-f]{12}$/],
    ['a b\nwake', /^a-b-wake-[0-9a-f]{16}$/, /^a-b-wake-[0-9a-f]{12}$/],
    ['ü', /^--[0-9a-f]{16}$/, /^[0-9a-f]{12}$/],
    ['x'.repeat(300), /^x{100}-[0-9a-f]{16}$/, /^x{50}-[0-9a-f]{12}$/],
    [`-${'y'.repeat(70)}`, `-${'y'.repeat(70)}`, /^y{50}-[0-9a-f]{12}$/],
  ])('takes any id: %j', (id, guestId, hostname) => {
    const made = newIdentity(id);
    if (typeof guestId === 'string') expect(made.id).toBe(guestId);
    else expect(made.id).toMatch(guestId);
    expect(made.hostname).toMatch(hostname);
    expect(made.hostname.length).toBeLessThanOrEqual(63);
    const words = wakeLine(made, {}, 0).slice(0, -1).split(' ');
    expect(words).toHaveLength(8);
    expect(words[4]).toMatch(/^[A-Za-z0-9._-]{1,128}$/);
  });
});

describe('the line for a machine that stood still', () => {
  it('has the time, and a seed that no other has', () => {
    expect(resumeLine(1_700_000_000_250, Buffer.alloc(32, 7))).toBe(
      `resume 1700000000 250000000 ${'07'.repeat(32)}\n`,
    );
    expect(resumeLine(1000)).toMatch(/^resume 1 0 [0-9a-f]{64}\n$/);
    expect(resumeLine(1000)).not.toBe(resumeLine(1000));
  });
});

describe('a clone is used', () => {
  const said = (fields: string) => notAwake(parseGuestEvent(`@gva1 wake ${fields}`)!, identity);
  it('when it says that all was done', () => {
    expect(said('reseeded=1 clock=1 flushed=1 machine-id=0 id=blast-17')).toBeUndefined();
  });

  it.each([
    ['reseeded=0 clock=1 flushed=1 id=blast-17', /random/],
    ['clock=1 flushed=1 id=blast-17', /random/],
    ['reseeded=1 clock=0 flushed=1 id=blast-17', /clock/],
    ['reseeded=1 clock=1 flushed=0 id=blast-17', /disks/],
    ['reseeded=1 clock=1 flushed=1 id=blast-18', /another/],
    ['reseeded=1 clock=1 flushed=1', /another/],
  ])('and not when it says %s', (fields, problem) => {
    expect(said(fields)).toMatch(problem);
  });
});
