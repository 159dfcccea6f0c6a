import type { GridLimits } from '../engine.js';

/** From `scontrol show config`: lines such as `MaxArraySize            = 1001`. */
export function parseLimits(config: string): GridLimits & { readonly accounting: boolean } {
  // One array of one element, where a value is missing: it is Slurm that then says what is wrong.
  const elements = numberOf(config, 'MaxArraySize') ?? 1;
  const tasks = /\bmax_array_tasks=(\d+)/i.exec(config)?.[1];
  return {
    // The largest number of an element is one less than MaxArraySize, and the smallest is 0 (slurm.conf(5)).
    elements: Math.max(1, Math.min(elements, Number(tasks ?? elements))),
    jobs: numberOf(config, 'MaxJobCount'),
    accounting: /^AccountingStorageType *= *accounting_storage\/slurmdbd\b/m.test(config),
  };
}

function numberOf(config: string, name: string): number | undefined {
  const value = new RegExp(`^${name} *= *(\\d+)`, 'm').exec(config)?.[1];
  return value === undefined ? undefined : Number(value);
}

/** The smallest of what `sacctmgr` says of the user's associations: `|`-separated numbers, empty where there is none. */
export function parseSubmitLimits(text: string): number | undefined {
  const numbers = text
    .split(/[|\n]/)
    .filter((word) => /^\d+$/.test(word))
    .map(Number);
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}
