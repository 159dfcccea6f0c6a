import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { SweepStatus } from '../model/sweep-status.js';
import { publishFile } from '../system/files.js';
import { sweepFiles } from '../system/paths.js';

export type StatusParts = Omit<SweepStatus, 'format' | 'host' | 'pid' | 'at'>;

/** `status.json`: how the sweep stands, for everyone who may read its folder. Always whole. */
export class StatusFile {
  readonly #file: string;
  readonly #onStatus: (status: SweepStatus) => void;
  #writing: Promise<void> | undefined;

  constructor(folder: string, onStatus: (status: SweepStatus) => void = () => undefined) {
    this.#onStatus = onStatus;
    this.#file = join(folder, sweepFiles.status);
  }

  /** Writes it, unless the last writing is still under way. A full disk is told of elsewhere. */
  refresh(parts: StatusParts): void {
    this.#writing ??= this.#write(parts)
      .catch(() => undefined)
      .finally(() => (this.#writing = undefined));
  }

  /** Writes the last one. */
  async finish(parts: StatusParts): Promise<void> {
    await this.#writing;
    await this.#write(parts).catch(() => undefined);
  }

  #write(parts: StatusParts): Promise<void> {
    const status: SweepStatus = {
      format: 'gva-sweep-status/1',
      host: hostname(),
      pid: process.pid,
      at: new Date().toISOString(),
      ...parts,
    };
    this.#onStatus(status);
    return publishFile(this.#file, (temporary) =>
      writeFile(temporary, JSON.stringify(status), { flag: 'wx' }),
    );
  }
}
