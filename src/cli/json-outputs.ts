import type { Explanation } from '../base/recipe/explain.js';
import type { BaseNeed } from '../base/needs.js';
import type { ConvertedDisk } from '../appliance/convert.js';
import type { WrittenMember } from '../ovf/tar/writer.js';
import type { ExtractionReport } from '../disk/extract.js';
import type { Finding } from '../disk/findings.js';
import type { NodeKind } from '../disk/tree.js';
import type { Taken } from '../instance/checkpoint/checkpointer.js';
import type { Snapshot } from '../instance/snapshot.js';
import type {
  Architecture,
  BaseManifest,
  BaseOrigin,
  BootWay,
  Distribution,
  OperatingSystem,
} from '../model/base.js';
import type { GuestProgress } from '../model/guest-event.js';
import type { Inserted } from '../model/insert.js';
import type { DoctorReport } from '../model/doctor.js';
import type { PackageReport } from '../model/package-report.js';
import type { ParameterValues } from '../model/parameter.js';
import type { InstanceResult } from '../model/result.js';
import type { Gathered, Point, PointOutcome, SweepEvent, SweepSummary } from '../model/sweep.js';
import type { FailedPoint, SweepStatus } from '../model/sweep-status.js';
import type { Comparison } from '../report/compare.js';
import type { ReportData } from '../report/data.js';
import type { Owner } from '../sweep/observe/owner.js';
import type { ResultRow } from '../sweep/observe/rows.js';
import type { Versions } from './versions.js';

/**
 * What each command prints with `--json`: docs/json.md and docs/json-schemas.json are made of it (npm run docs), and what
 * tests see of a command is held against it. `@lines`: JSON Lines, each line of that type.
 */
export interface JsonOutputs {
  /** Of this GVA, and of programs that it finds. */
  'gva --version': Versions;
  /** The result of the instance, as in its `result.json`. */
  'gva run': InstanceResult;
  /** The result of the instance, as in its `result.json`. */
  'gva resume': InstanceResult;
  /** The checkpoint that was taken. */
  'gva checkpoint': Taken;
  /** The instances that run. */
  'gva ps': readonly ListedInstance[];
  /** How a guest is. */
  'gva stat': GuestState;
  /** What came of the scripts on the medium. */
  'gva insert': Inserted;
  /** The output so far. */
  'gva snapshot-output': Snapshot;
  /** The points of a plan; with `--count`, their number. @lines */
  'gva plan': PlannedPoint | { readonly points: number | string };
  /** What happens, and at the end a summary, or an error. With `--detach`, the process in the background. @lines */
  'gva sweep run': SweepLine | Detached;
  /** As of `gva sweep run`. @lines */
  'gva sweep resume': SweepLine | Detached;
  /** How the sweep stands: its `status.json`, and whether a process runs it. */
  'gva sweep status': SweepStatus & { readonly folder: string; readonly owner: Owner };
  /** What changes. @lines */
  'gva sweep watch': WatchLine;
  /** Your sweeps; the points of one, as in its `results.jsonl`, are JSON Lines. */
  'gva sweep list': readonly ListedSweep[] | ResultRow;
  /** How the sweep stands afterwards. */
  'gva sweep cancel': SweepStatus & { readonly folder: string };
  /** What was asked for. */
  'gva sweep retry': {
    readonly folder: string;
    readonly request: 'retry';
    readonly points: readonly number[] | 'failed' | 'lost';
  };
  /** How the gather step ended. */
  'gva sweep gather': { readonly folder: string; readonly gathered: Gathered };
  /** The number of results. */
  'gva sweep rebuild': { readonly folder: string; readonly results: number };
  /** The data of the page. */
  'gva report': ReportData;
  /** Where the sweeps differ. */
  'gva compare': Comparison;
  /** Where the page is, when it is served. */
  'gva serve': {
    /** Has the token: for who may cancel and retry. */
    readonly url: string;
    /** For who may look; null where nobody may without the token. */
    readonly view: string | null;
    readonly port: number;
  };
  /** The package. */
  'gva pack': { readonly file: string; readonly size: number; readonly members: readonly WrittenMember[] };
  /** What is known of a package. */
  'gva inspect': PackageReport;
  /** The files that were written. */
  'gva convert': readonly ConvertedDisk[];
  /** What is in an image. */
  'gva ls': ImageListing;
  /** What was brought out of an image. */
  'gva extract': ExtractionReport & {
    readonly image: string;
    readonly fileSystem: string;
    readonly directory: string;
  };
  /** The base image; with `--explain`, what would be done. */
  'gva base build': BaseManifest | Explanation;
  /** The base image. */
  'gva base add': BaseManifest;
  /** The base image. */
  'gva base import': BaseManifest;
  /** The base images. */
  'gva base list': { readonly bases: readonly ListedBase[] };
  /** Those that have what is required. */
  'gva base find': { readonly bases: readonly ListedBase[] };
  /** All that is known of one. */
  'gva base show': ListedBase & { readonly neededBy: readonly BaseNeed[] };
  /** Whether it is as it was built. */
  'gva base verify': {
    readonly name: string;
    readonly digest: string;
    readonly sound: boolean;
    readonly checks: readonly { readonly what: string; readonly problems: readonly string[] }[];
  };
  /** What went, and what stayed. */
  'gva base prune': {
    readonly removed: readonly PrunedBase[];
    readonly kept: readonly (PrunedBase & { readonly reasons: readonly string[] })[];
    readonly bytes: number;
    readonly dryRun: boolean;
  };
  /** What can run guests here. */
  'gva doctor': DoctorReport;
}

/** An error, of any command, instead of its own output. */
export interface JsonError {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

interface ListedInstance {
  readonly id: string;
  readonly appliance: string;
  readonly vmm: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** How far it has come: the last of the moments of its result's `times`. */
  readonly state: string;
  /** ISO 8601, UTC; null where there is none. */
  readonly lastCheckpoint: string | null;
  /** Who runs commands in its guest, where that is not GVAD's agent. */
  readonly agent?: 'qemu';
  /** Its machine knows nothing of GVA. */
  readonly plain?: true;
  readonly progress: GuestProgress;
  /** Of the process that runs it. */
  readonly socket: string;
}

interface GuestState {
  /** Seconds. */
  readonly uptime: number;
  /** Of the last 1, 5 and 15 minutes. */
  readonly load: readonly number[];
  /** Bytes. */
  readonly memory: { readonly total: number; readonly available: number };
  /** Sizes in bytes. */
  readonly disks: readonly { readonly folder: string; readonly size: number; readonly free: number }[];
}

interface PlannedPoint {
  readonly point: number;
  readonly parameters: ParameterValues;
  /** Files of its parameter CD; absent where there are none. */
  readonly files?: readonly { readonly source: string; readonly name: string }[];
}

/** ISO 8601, UTC; `format` is in the first line only. */
interface LineHead {
  readonly at: string;
  readonly format?: 'gva-sweep-events/1';
}

/** An event; those of points have `index` and `parameters`, and when they end the fields of their outcome. */
type SweepLine = LineHead &
  (
    | Exclude<SweepEvent, { readonly point: Point }>
    | (Point & { readonly event: 'point-started' })
    | (Point & PointOutcome & { readonly event: 'point-ended' })
    | (Point & PointOutcome & { readonly event: 'point-again'; readonly delay: number })
    | (Partial<SweepStatus> & { readonly event: 'status' })
    | { readonly event: 'left-out'; readonly events: number }
    | (SweepSummary & { readonly event: 'summary' })
    | (JsonError['error'] & { readonly event: 'error' })
  );

interface Detached {
  readonly folder: string;
  readonly pid: number;
  readonly log: string;
}

/** `end`: nothing more will come. */
type WatchLine =
  | (SweepStatus & { readonly event: 'status' | 'end'; readonly owner: Owner })
  | (FailedPoint & { readonly event: 'point' });

interface ListedSweep {
  readonly name: string;
  readonly folder: string;
  /** That of its status; `gone`: there is no such folder any more; `unknown`: it does not say. */
  readonly state: string;
  readonly done: number | null;
  readonly points: number | null;
}

interface ImageListing {
  readonly image: string;
  readonly fileSystem: string;
  readonly label: string;
  readonly path: string;
  readonly entries: readonly ListedFile[];
  /** Nothing is missing or other than on the medium. */
  readonly complete: boolean;
  readonly findingCount: number;
  readonly findings: readonly Finding[];
}

interface ListedFile {
  readonly path: string;
  readonly kind: NodeKind;
  /** Octal digits. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly mtime: string | null;
  /** Of a link. */
  readonly target?: string;
}

/** One that cannot be used has a `problem`, and none of what its manifest would say. */
interface ListedBase {
  readonly name: string;
  readonly digest: string;
  /** It is the one that its name stands for. */
  readonly current: boolean;
  readonly folder: string;
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly builtAt: string;
  readonly lastUse: string | null;
  readonly problem?: string;
  readonly version?: string | null;
  readonly description?: string;
  readonly os?: OperatingSystem;
  readonly distribution?: Distribution | null;
  readonly arch?: Architecture;
  readonly kernelRelease?: string;
  readonly umlRelease?: string | null;
  readonly boots?: readonly BootWay[];
  readonly fileSystem?: string;
  readonly contract?: number;
  /** Their number; of `gva base show`, each with its version. */
  readonly packages?: number | Readonly<Record<string, string>>;
  readonly origin?: BaseOrigin;
  readonly imported?: BaseManifest['imported'] | null;
}

interface PrunedBase {
  /** NAME@DIGEST. */
  readonly base: string;
  readonly size: number;
}
