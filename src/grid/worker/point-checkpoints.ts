import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readCheckpoint } from '../../instance/checkpoint/resume.js';
import type { CheckpointWish } from '../../instance/checkpoint/saving.js';
import type { InstanceEvent } from '../../model/instance-event.js';
import { GvaError, errnoOf } from '../../system/errors.js';
import { attemptCheckpoint, pointCheckpoint } from '../../system/paths.js';
import { formatDuration, formatSize } from '../../system/units.js';
import { type Patience, persistently } from './persistently.js';
import { sharedFolderTrouble } from './trouble.js';

export interface CheckpointParts {
  readonly sweep: string;
  readonly job: string;
  /** Times that the grid has begun this job anew. */
  readonly restarts: number;
  /** Seconds. */
  readonly every: number;
  /** What runs is to be saved and ended. */
  readonly leave: AbortSignal;
  readonly patience: Patience;
}

/** The last checkpoint that this job has taken of an instance. */
export interface SavedPart {
  /** Seconds that the instance had been run for. */
  readonly elapsed: number;
  readonly bytes: number;
}

/** An instance that is saved from time to time. */
export interface PointSaving extends Disposable {
  readonly wish: CheckpointWish;
  /** Aborted where the instance is to be ended and there is nothing yet that could be saved. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: InstanceEvent) => void;
  readonly last: () => SavedPart | undefined;
}

/**
 * Checkpoints of points, in the sweep's folder. Each job of a point has a folder of its own, since one that the grid has
 * given up may still live and save: nobody writes to, or removes, what another one goes on from.
 */
export class PointCheckpoints {
  readonly #parts: CheckpointParts;

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
  }

  /**
   * For an instance of that point, which goes on from where an earlier one has come furthest.
   *
   * @throws Trouble SHARED_FOLDER
   */
  async of(index: number): Promise<PointSaving> {
    const { sweep, every, leave, patience } = this.#parts;
    const point = pointCheckpoint(sweep, index);
    const tell = (text: string) => patience.log(`point ${index}: ${text}`);
    // What cannot be seen for a moment may be the work of hours.
    const look = () => bestFirst(point, tell);
    const from = await persistently(`look at ${point}`, look, patience).catch((error: unknown) => {
      throw sharedFolderTrouble(`cannot look at ${point}`, error);
    });
    const abrupt = new AbortController();
    let begun = false;
    let last: SavedPart | undefined;
    const onEvent = (event: InstanceEvent) => {
      begun = true;
      if (event.event === 'resumed') tell(`goes on from the checkpoint of ${event.takenAt}`);
      if (event.event !== 'checkpointed') return;
      last = { elapsed: event.time, bytes: event.bytes };
      tell(`saved after ${formatDuration(event.time)}: ${formatSize(event.bytes)}`);
    };
    const end = () => {
      if (!begun) abrupt.abort(leave.reason);
    };
    leave.addEventListener('abort', end, { once: true });
    const wish = {
      ...{ folder: this.#newFolder(point), every, leave, stay: true, onTrouble: tell },
      ...{ resume: 'may' as const, from },
    };
    return {
      ...{ wish, signal: abrupt.signal, onEvent, last: () => last },
      [Symbol.dispose]: () => leave.removeEventListener('abort', end),
    };
  }

  /** The point needs none any more. What cannot be removed is left to the sweep's next client. */
  async remove(index: number): Promise<void> {
    const point = pointCheckpoint(this.#parts.sweep, index);
    await rm(point, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Numbers of jobs come back in time. */
  #newFolder(point: string): string {
    const { job, restarts } = this.#parts;
    const folder = attemptCheckpoint(point, job, restarts);
    for (let number = 1; ; number++) {
      const name = number === 1 ? folder : `${folder}-${number}`;
      if (!existsSync(name)) return name;
    }
  }
}

/** Folders with checkpoints of a point, that of the instance which has been run longest first. */
async function bestFirst(point: string, tell: (text: string) => void): Promise<string[]> {
  const found: { folder: string; elapsed: number }[] = [];
  const names = await readdir(point, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const folders = names.filter((entry) => entry.isDirectory()).map(({ name }) => join(point, name));
  // Its own is that of an instance that was run without a grid.
  for (const folder of [point, ...folders]) {
    const saved = await readCheckpoint(folder).catch((error: unknown) => {
      if (!(error instanceof GvaError)) throw error;
      tell(`${basename(folder)}: ${error.message}`);
    });
    if (saved) found.push({ folder, elapsed: saved.manifest.progress.elapsed });
  }
  return found.sort((a, b) => b.elapsed - a.elapsed).map(({ folder }) => folder);
}
