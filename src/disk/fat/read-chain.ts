import { GvaError } from '../../system/errors.js';
import type { Report } from '../findings.js';
import { ClusterSet } from './cluster-set.js';
import type { FatVolume, TableEntry } from './read-volume.js';

/** Clusters of a file that follow one another in the image. */
export interface ClusterRun {
  /** First of them, counted within the file. */
  index: number;
  /** Its number in the image. */
  cluster: number;
  count: number;
}

export interface Chain {
  /** Whose it is. */
  id: number;
  /** First cluster, as claimed. */
  first: number;
  /** Clusters that are wanted; for a directory, which has no size, the most that are taken. */
  limit: number;
  /** A chain that ends before the limit is too short. */
  exact: boolean;
}

/** Entries of the allocation table that are looked at in one go. */
const STEP = 512;

/**
 * Follows a chain of clusters: all are in the image, none comes twice. Where it leads to a cluster that is not
 * there, is free or bad, or was in it before, or where it ends too early, that is reported (FAT_CHAIN) and the rest
 * is lost. That another file has had a cluster is reported too (FAT_CROSSLINK), and it is read all the same.
 */
export async function* chainRuns(
  volume: FatVolume,
  chain: Chain,
  report: Report,
): AsyncGenerator<ClusterRun[]> {
  const walk = new Walk(volume, chain);
  let next: TableEntry = chain.first;
  while (walk.length < chain.limit) {
    const fault = walk.add(next);
    if (fault !== undefined) {
      report('FAT_CHAIN', `the chain of clusters ${fault}: the contents end after ${walk.length} of them`);
      break;
    }
    if (typeof next !== 'number') break;
    if (walk.length % STEP === 0) yield walk.take();
    if (walk.length === chain.limit) break;
    const entry: TableEntry | GvaError = await volume.next(next).catch(gvaErrorOnly);
    if (entry instanceof GvaError) {
      report(entry.code, `the chain of clusters cannot be followed: ${entry.message}`);
      break;
    }
    next = entry;
  }
  if (walk.crossed)
    report('FAT_CROSSLINK', 'some of its clusters belong to something else as well: read as they are');
  yield walk.take();
}

function gvaErrorOnly(error: unknown): GvaError {
  if (error instanceof GvaError) return error;
  throw error;
}

class Walk {
  length = 0;
  /** Something else has had a cluster. */
  crossed = false;
  readonly #volume: FatVolume;
  readonly #chain: Chain;
  readonly #seen = new ClusterSet();
  /** Clusters were not counted for this file before. */
  readonly #first: boolean;
  #runs: ClusterRun[] = [];

  constructor(volume: FatVolume, chain: Chain) {
    this.#volume = volume;
    this.#chain = chain;
    this.#first = !volume.walked.has(chain.id);
    volume.walked.add(chain.id);
  }

  /** Adds a cluster, or says why there is none; nothing is wrong with an end where one may be. */
  add(cluster: TableEntry): string | undefined {
    if (cluster === 'end') return this.#chain.exact ? 'ends too early' : undefined;
    if (cluster === 'free' || cluster === 'bad') return `leads to a ${cluster} one`;
    if (!this.#volume.has(cluster)) return `leads to number ${cluster}, which is not in the image`;
    if (!this.#seen.add(cluster)) return 'leads in a circle';
    if (this.#first && !this.#volume.claimed.add(cluster)) this.crossed = true;
    const last = this.#runs.at(-1);
    if (last && last.cluster + last.count === cluster) last.count += 1;
    else this.#runs.push({ index: this.length, cluster, count: 1 });
    this.length += 1;
    return undefined;
  }

  /** The runs since the last call. */
  take(): ClusterRun[] {
    const runs = this.#runs;
    this.#runs = [];
    return runs;
  }
}
