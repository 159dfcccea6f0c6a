import type { GridResources } from './engine.js';

const mebibyte = 2 ** 20;
/**
 * What a job takes beside the guest's memory: the worker (Node.js), the VMM itself, the emulation's translated code.
 * Measured: docs/grid.md, "Sizing".
 */
const ownMemory = 512 * mebibyte;
/** Seconds until the first point: staging images to the node. */
const stagingSeconds = 300;
/** Seconds of a point beside its own time limit: boot and collecting. */
const pointSlack = 30;

export interface ResourceWishes {
  /** Of the appliance: CPUs and bytes. */
  readonly hardware: { readonly cpus: number; readonly memory: number };
  /** Seconds that a person asked for each job (`--time`); undefined: none. */
  readonly time: number | undefined;
  /** Seconds that a point may take (`--timeout`); undefined: any. */
  readonly pointTime: number | undefined;
  /** Points of an element. */
  readonly bundle: number;
  /** Factors that earlier attempts have earned; 1 at first. */
  readonly growth: { readonly memory: number; readonly time: number };
}

/** What to ask of the grid for each element; whole mebibytes and minutes, as grids count. */
export function jobResources({ hardware, time, pointTime, bundle, growth }: ResourceWishes): GridResources {
  const memory = (hardware.memory + ownMemory) * growth.memory;
  const byPoints = pointTime === undefined ? undefined : stagingSeconds + bundle * (pointTime + pointSlack);
  const seconds = time ?? byPoints;
  return {
    cpus: hardware.cpus,
    memory: Math.ceil(memory / mebibyte) * mebibyte,
    seconds: seconds === undefined ? undefined : Math.ceil((seconds * growth.time) / 60) * 60,
  };
}
