/** One figure of a benchmark. */
export interface Figure {
  readonly what: string;
  readonly unit: 's' | 'ms' | 'MB' | 'x';
  readonly samples: readonly number[];
  /** The most it should be; undefined where it is there for comparison only. */
  readonly target?: number;
  /** It is another program's, or the machine's: there to compare with, and no matter of GVA's. */
  readonly reference?: true;
  /** Of a cost that grows: with what, and how much of it there was. */
  readonly growth?: { readonly series: string; readonly at: number; readonly limit?: true };
  /** Why there are no samples. */
  readonly absent?: string;
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** It takes so long that it runs only where it is named. */
  readonly onlyNamed?: true;
  run(): Promise<Figure[]>;
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? NaN;
  const high = sorted[Math.floor(middle)] ?? NaN;
  return (low + high) / 2;
}

/** Between which the middle half of the samples is (Tukey's hinges). */
export function quartiles(samples: readonly number[]): [low: number, high: number] {
  const sorted = [...samples].sort((a, b) => a - b);
  const half = Math.ceil(sorted.length / 2);
  return [median(sorted.slice(0, half)), median(sorted.slice(sorted.length - half))];
}

/** Figures of several runs of a benchmark as of one, with the samples of all; in the order of the first. */
export function joinRuns(runs: readonly (readonly Figure[])[]): Figure[] {
  const [first = [], ...others] = runs;
  return first.map((figure) => ({
    ...figure,
    samples: [
      ...figure.samples,
      ...others.flatMap((run) => run.find(({ what }) => what === figure.what)?.samples ?? []),
    ],
  }));
}

/** Seconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/**
 * Samples of several works, taken in turn so that a machine whose speed drifts treats them alike. One round
 * before is not counted.
 *
 * @param works name to a work that gives its own sample
 */
export async function alternate<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(works) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round++)
    for (const name of names) {
      const sample = await works[name]();
      if (round >= 0) samples[name].push(sample);
    }
  return samples;
}

/** Pair by pair. */
export const ratios = (a: readonly number[], b: readonly number[]) =>
  a.map((value, i) => value / (b[i] ?? NaN));
