/** What is computed. */
export interface Workload {
  readonly points: number;
  /** Mean seconds of a program. */
  readonly seconds: number;
  /** All the same, or exponentially distributed. */
  readonly spread: 'none' | 'exponential';
  /** Chance that an instance is lost through no fault of its node or program, and is tried again. */
  readonly lossChance: number;
  /** Of base, application and data, which each node copies once. */
  readonly imageBytes: number;
}

/** Where. */
export interface Site {
  readonly nodes: number;
  readonly slotsPerNode: number;
  /** Mean seconds until a node has room: others use it, too. */
  readonly arrivalSeconds: number;
  /** Share of the nodes that have the images from an earlier sweep. */
  readonly cachedShare: number;
  /** Mean seconds between two failures of one node; Infinity: none fails. */
  readonly failureSeconds: number;
  readonly repairSeconds: number;
  /** Of the scheduler. */
  readonly jobStartsPerSecond: number;
  /** Between two jobs of a slot. */
  readonly turnSeconds: number;
  /** Of the shared file system: operations on names and small files. */
  readonly operationsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of one node's network or disk. */
  readonly nodeBytesPerSecond: number;
}

/** What GVA costs and how it behaves. */
export interface Costs {
  /** Of an instance beside its program, on its slot. */
  readonly pointSeconds: number;
  /** From a job's start to its first point. */
  readonly workerSeconds: number;
  /** On the shared file system, for each point. */
  readonly operationsPerPoint: number;
  /** Of the client, which is one process: for a point submitted, for one taken in, for an array. */
  readonly submitSeconds: number;
  readonly foldSeconds: number;
  readonly arraySeconds: number;
  /** Until the client sees that a job has ended. */
  readonly lookSeconds: number;
  /** Jobs that wait or run, at most; and those of an array. */
  readonly jobs: number;
  readonly arrayJobs: number;
  /** That a job should take; its points are not fewer than fit into the jobs. */
  readonly jobSeconds: number;
}

/** What came of it. */
export interface Outcome {
  /** From the first command until the last point is taken in. */
  readonly seconds: number;
  /** If all slots had computed all the time, and nothing else. */
  readonly idealSeconds: number;
  /** Taken in, each once. */
  readonly done: number;
  /** Points that were given to jobs, those that came back included. */
  readonly given: number;
  /** Points that were computed to their end; those that were lost then are among them. */
  readonly computed: number;
  readonly jobs: number;
  readonly nodeFailures: number;
  /** Most jobs that ran at once. */
  readonly mostRunning: number;
  readonly copiedBytes: number;
  /** Share of the time that each was busy. */
  readonly busy: {
    readonly slots: number;
    readonly client: number;
    readonly scheduler: number;
    readonly operations: number;
    readonly bytes: number;
  };
}
