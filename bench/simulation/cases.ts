import type { Costs, Site, Workload } from './model.js';

/** Measured, but for `jobs`, `arrayJobs`, `jobSeconds` and `lookSeconds`, which are rules of GVA's. */
export const measured: Costs = {
  // gva run of an appliance that does nothing, User-mode Linux: bench/results, cold-start.
  pointSeconds: 0.41,
  // docs/grid.md.
  workerSeconds: 0.5,
  // Opened, made, renamed, looked at and synced in the folder of a sweep on a grid, for each attempt, by strace.
  operationsPerPoint: 70,
  // 100,000 points in 11.8 s: bench/results, grid.
  submitSeconds: 0.118e-3,
  // bench/results, coordinator-million.
  foldSeconds: 0.454e-3,
  // One sbatch on the test cluster.
  arraySeconds: 0.007,
  ...{ lookSeconds: 2, jobs: 5000, arrayJobs: 1000, jobSeconds: 300 },
};

/** A site as there are many: assumed, not measured, but for `turnSeconds`. */
export const usualSite: Site = {
  ...{ nodes: 1, slotsPerNode: 16, arrivalSeconds: 300, cachedShare: 0 },
  // One failure of a node in a year, and an hour until it is back.
  ...{ failureSeconds: 365 * 86_400, repairSeconds: 3600 },
  // A Slurm that is set up for many jobs.
  ...{ jobStartsPerSecond: 100, turnSeconds: 0.3 },
  // A file server of its own for names; ten times the network of a node.
  ...{ operationsPerSecond: 20_000, bytesPerSecond: 10e9, nodeBytesPerSecond: 1e9 },
};

/** Points of a minute. */
export const usualWork: Workload = {
  ...{ points: 1000, seconds: 60, spread: 'exponential', lossChance: 0.001 },
  // micro, unpacked, with its kernel.
  imageBytes: 50e6,
};

export interface Case {
  readonly name: string;
  readonly work: Workload;
  readonly site: Site;
  readonly costs: Costs;
}

type Change = { readonly [Part in 'work' | 'site' | 'costs']?: Partial<Case[Part]> };

function makeCase(name: string, ...changes: Change[]): Case {
  const merged = <Part extends 'work' | 'site' | 'costs'>(part: Part, usual: Case[Part]): Case[Part] =>
    Object.assign({}, usual, ...changes.map((change) => change[part])) as Case[Part];
  return {
    name,
    work: merged('work', usualWork),
    site: merged('site', usualSite),
    costs: merged('costs', measured),
  };
}

/** A thousand points for each node; ten thousand nodes are the first of the remedies. */
export const growth: readonly Case[] = [1, 10, 100, 300, 1000, 3000].map((nodes) =>
  makeCase(`${nodes} nodes`, { site: { nodes }, work: { points: 1000 * nodes } }),
);

const large: Change = { site: { nodes: 10_000 }, work: { points: 10_000_000 } };
const moreJobs: Change = { costs: { jobs: 400_000, jobSeconds: 1800 } };
/** The results of a job in one file of the shared file system. */
const archives: Change = { costs: { operationsPerPoint: 2 } };
/** Ten clients, or one that asks and writes for many points at once. */
const clients: Change = { costs: { submitSeconds: 0.118e-4, foldSeconds: 0.454e-4 } };

/** What breaks one after the other. */
export const remedies: readonly Case[] = [
  makeCase('as it is', large),
  makeCase('400,000 jobs at a time, of half an hour', large, moreJobs),
  makeCase('and one file for the results of a job', large, moreJobs, archives),
  makeCase('and ten clients', large, moreJobs, archives, clients),
];

const all: readonly Change[] = [large, moreJobs, archives, clients];

/** What else may be. */
export const variations: readonly Case[] = [
  makeCase('points of 10 minutes, as it is', large, { work: { seconds: 600, points: 1_000_000 } }),
  makeCase('a base of 4 GB on every node, with all remedies', ...all, { work: { imageBytes: 4e9 } }),
  makeCase('nodes that fail once in a week, with all remedies', ...all, {
    site: { failureSeconds: 7 * 86_400 },
  }),
];
