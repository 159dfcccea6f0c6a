import { setTimeout } from 'node:timers/promises';
import type { SweepStatus } from '../../model/sweep-status.js';
import type { CancelPoints, ConsoleTail, LiveStatus, RetryPoints } from '../../report/live/protocol.js';
import type { SweepSource } from '../../report/server/source.js';
import { readManifest } from '../../sweep/observe/manifest.js';
import { readStatus } from '../../sweep/observe/status.js';
import { messageOf } from '../../system/errors.js';
import { digestText } from '../../system/files.js';
import { takeInNowAndThen } from '../sweep/take-in.js';
import { Consoles } from './consoles.js';
import { liveStatus, unknownStatus } from './live-status.js';
import { PointOverlay } from './point-overlay.js';
import { askToCancel, askToRetry } from './requests.js';
import { TableWatch } from './table-watch.js';

/** Seconds between two looks at a sweep that runs, and at one that may be taken up again. */
const pauses = { running: 0.5, ended: 2 } as const;

/** A sweep as its folder tells of it; nobody needs to have the folder. */
export class FolderSource implements SweepSource {
  readonly id: string;
  readonly name: string;
  status: LiveStatus = unknownStatus('it is being looked at');
  states = new Uint8Array(0);
  readonly folder: string;
  readonly #table: TableWatch;
  readonly #overlay: PointOverlay;
  readonly #consoles: Consoles;
  readonly #listeners: (() => void)[] = [];
  #appliance: string | undefined;
  #seen: SweepStatus | undefined;

  /** @param folder absolute */
  constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
    this.id = digestText(folder).slice(0, 12);
    this.#table = new TableWatch(folder);
    this.#overlay = new PointOverlay(folder);
    this.#consoles = new Consoles(() => ({
      ...{ folder, appliance: this.#appliance ?? '', status: this.#seen },
    }));
  }

  get tableVersion(): number {
    return this.#table.version;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Looks again and again until the signal comes. Sweeps that cannot be read say so on the page, and may be read later. */
  async follow(signal: AbortSignal): Promise<void> {
    const refresh = takeInNowAndThen(this.folder, signal);
    while (!signal.aborted) {
      await refresh()
        .then(() => this.look(signal))
        .catch((error: unknown) => (this.status = unknownStatus(messageOf(error))));
      for (const listener of this.#listeners) listener();
      const pause = this.status.ended ? pauses.ended : pauses.running;
      await setTimeout(pause * 1000, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Looks once. @throws GvaError */
  async look(signal: AbortSignal): Promise<void> {
    this.#appliance ??= (await readManifest(this.folder)).appliance.name;
    const seen = await readStatus(this.folder);
    this.#seen = seen?.status;
    await this.#overlay.look(seen?.status.running ?? []);
    if (await this.#table.look(signal)) this.#overlay.tableRead(this.#table.written);
    this.status = seen ? liveStatus(seen) : unknownStatus('it has not said yet how it stands');
    this.states = this.#statesNow(seen?.status.points ?? 0);
  }

  table(): Promise<{ readonly version: number; readonly json: string } | undefined> {
    return Promise.resolve(this.#table.json());
  }

  console(point: number): Promise<ConsoleTail> {
    return this.#consoles.tail(point);
  }

  cancel(points: CancelPoints, signal: AbortSignal): Promise<void> {
    return askToCancel(this.folder, points, signal);
  }

  retry(points: RetryPoints, signal: AbortSignal): Promise<void> {
    return askToRetry(this.folder, points, signal);
  }

  /** Before there is a table, all that is known is how many points there are, and which run. */
  #statesNow(points: number): Uint8Array<ArrayBuffer> {
    const table = new Uint8Array(Math.max(points, this.#table.states.length));
    table.set(this.#table.states);
    return this.#overlay.over(table) as Uint8Array<ArrayBuffer>;
  }
}
