import type { Inventory } from './inventory.js';

/** Bytes by which the heap may differ from one round to another without a leak: caches of the engine, compiled code. */
const heapSlack = 6 << 20;

/** What is there after that was not there before, as sentences; none where nothing leaks. */
export function leaksBetween(before: Inventory, after: Inventory): string[] {
  return [
    ...more('process', before.processes, after.processes),
    ...more('descriptor', before.descriptors, after.descriptors),
    ...more('file', before.files, after.files),
    ...more('shared memory', before.shared, after.shared),
  ];
}

/**
 * Whether the heap grows with the rounds: the least of the last third against the least of the first. Both are of after the
 * rounds in which code is loaded and compiled, which the caller leaves out.
 */
export function heapGrowth(heaps: readonly number[]): string[] {
  const third = Math.floor(heaps.length / 3);
  if (third === 0) return [];
  const grown = Math.min(...heaps.slice(-third)) - Math.min(...heaps.slice(0, third));
  return grown > heapSlack ? [`the heap has grown by ${(grown / 2 ** 20).toFixed(1)} MiB`] : [];
}

function more(what: string, before: readonly string[], after: readonly string[]): string[] {
  const left = [...before];
  return after
    .filter((name) => {
      const index = left.indexOf(name);
      if (index >= 0) left.splice(index, 1);
      return index < 0;
    })
    .map((name) => `${what} left over: ${name.slice(0, 200)}`);
}
