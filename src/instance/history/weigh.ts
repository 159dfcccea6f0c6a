/** An earlier run of an appliance that was done, as far as it tells how long the next one takes. Seconds. */
export interface PastRun {
  readonly vmm: string;
  readonly accelerator: string;
  readonly start: 'warm' | 'cold';
  /** From the first script's start to the last one's end. */
  readonly script: number;
  /** All else, from the instance's start to its output on the host. */
  readonly overhead: number;
}

/** What a warm start would cost beside the instance itself. */
export interface WarmChance {
  /** There is a template. */
  readonly template: boolean;
  /** Instances that are to be run now: a template that must be made is shared by them. */
  readonly instances: number;
}

export interface Weighed {
  readonly choice: 'native' | 'warm';
  /** For people. */
  readonly reason: string;
}

/** How much longer emulation takes for a computation, until it was measured: Mandelbrot took 10 to 19 times as long. */
const assumedSlowdown = 20;
/** Seconds of a warm instance beside its scripts, until they were measured. */
const assumedOverhead = 0.5;
/** Seconds that making a template takes. */
const templateCost = 4;
/** A warm start has to take this part of the native one's time at most: figures that are close are noise. */
const clearGain = 0.8;

/**
 * User-mode Linux, which computes at native speed and boots each guest, or a warm start under QEMU's emulation. By what the
 * appliance's earlier runs took (docs/warm-starts.md, "Warm or native"): medians; native where no native run is known.
 */
export function weigh(past: readonly PastRun[], { template, instances }: WarmChance): Weighed {
  const native = past.filter(({ vmm, accelerator }) => vmm === 'uml' && accelerator === 'native');
  const emulated = past.filter(({ vmm, accelerator }) => vmm === 'qemu' && accelerator === 'tcg');
  const script = median(native.map((run) => run.script));
  const boot = median(native.map((run) => run.overhead));
  if (script === undefined || boot === undefined)
    return { choice: 'native', reason: 'no earlier run of this appliance under User-mode Linux is known' };
  const warm = emulated.filter(({ start }) => start === 'warm');
  const measured = median(emulated.map((run) => run.script));
  const emulation = measured ?? script * assumedSlowdown;
  const making = template ? 0 : templateCost / instances;
  const expected = emulation + (median(warm.map((run) => run.overhead)) ?? assumedOverhead) + making;
  const choice = expected < clearGain * (script + boot) ? 'warm' : 'native';
  const basis = measured === undefined ? 'assumed' : 'by earlier runs';
  const reason = `User-mode Linux ${seconds(script + boot)} by earlier runs, warm QEMU ${seconds(expected)} ${basis}`;
  return { choice, reason };
}

const seconds = (value: number) => `${value.toFixed(2)} s`;

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[middle]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
