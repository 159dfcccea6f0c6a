import { expect, test } from 'vitest';
import { hostRoom, instancesAtOnce } from '../../src/sweep/parallelism.js';

const mib = 2 ** 20;
const atOnce = (cpus: number, memory: number, room: [number, number]) =>
  instancesAtOnce({ hardware: { cpus, memory: memory * mib } }, { cpus: room[0], memory: room[1] * mib });

test.each([
  ['the CPUs', 1, 256, [8, 32_000], 8],
  ['the CPUs of the guests', 4, 256, [8, 32_000], 2],
  ['the memory, with what a VMM takes', 1, 960, [8, 3100], 3],
  ['nothing: one is always tried', 16, 64_000, [2, 1000], 1],
] as const)('as many as %s allow', (_, cpus, memory, room, expected) => {
  expect(atOnce(cpus, memory, [...room])).toBe(expected);
});

test('this host has room', () => {
  expect(hostRoom().cpus).toBeGreaterThan(0);
  expect(hostRoom().memory).toBeGreaterThan(0);
});
