import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { consoleOf } from '../../instance/control/client.js';
import type { SweepStatus } from '../../model/sweep-status.js';
import type { ConsoleTail } from '../../report/live/protocol.js';
import { pointInstance } from '../../sweep/point-instance.js';
import { pointFolder, resultFiles } from '../../system/paths.js';
import { printable } from '../../vmm/console-ring.js';

/** Bytes of a console that are shown. */
const shownBytes = 8 << 10;
/** Milliseconds for which an answer is good for all who ask. */
const freshness = 400;
/** Points of which answers are kept. */
const mostKept = 64;

/** Where the consoles of a sweep's points are asked for. */
export interface ConsolePlace {
  readonly folder: string;
  readonly appliance: string;
  readonly status: SweepStatus | undefined;
}

/** The consoles of a sweep's points, of those that run and of those that have ended; asked for once, however many look. */
export class Consoles {
  readonly #place: () => ConsolePlace;
  readonly #kept = new Map<number, { readonly asked: number; readonly tail: Promise<ConsoleTail> }>();

  constructor(place: () => ConsolePlace) {
    this.#place = place;
  }

  tail(point: number): Promise<ConsoleTail> {
    const now = performance.now();
    const kept = this.#kept.get(point);
    if (kept && now - kept.asked < freshness) return kept.tail;
    this.#kept.delete(point);
    if (this.#kept.size >= mostKept) this.#kept.delete([...this.#kept.keys()][0] ?? point);
    const tail = readTail(this.#place(), point);
    this.#kept.set(point, { asked: now, tail });
    return tail;
  }
}

async function readTail({ folder, appliance, status }: ConsolePlace, point: number): Promise<ConsoleTail> {
  const isRunning = status?.running.some(({ index }) => index === point) ?? false;
  if (!isRunning) return await endedTail(folder, point);
  const { host, pid, grid } = status ?? { host: '', pid: 0 };
  if (grid || host !== hostname())
    return { text: '', live: true, note: 'It runs on another host; its console comes at its end.' };
  const text = await consoleOf(pid, pointInstance(appliance, pid, point));
  if (text === undefined)
    return {
      text: '',
      live: true,
      note: 'Its process does not tell of its console yet; it comes at its end.',
    };
  return { text: shown(text), live: true, ...(text === '' ? { note: 'It has said nothing yet.' } : {}) };
}

async function endedTail(folder: string, point: number): Promise<ConsoleTail> {
  const file = join(pointFolder(folder, point), resultFiles.console);
  try {
    const { size } = await stat(file);
    const chunks: Buffer[] = [];
    for await (const chunk of createReadStream(file, { start: Math.max(0, size - shownBytes) }))
      chunks.push(chunk as Buffer);
    const text = shown(Buffer.concat(chunks).subarray(-shownBytes).toString('utf8'));
    return { text, live: false, ...(text === '' ? { note: 'It has said nothing.' } : {}) };
  } catch {
    return { text: '', live: false, note: 'There is no console of this point.' };
  }
}

/** A carriage return before a line end is the console's own; what stands before another one was overwritten. */
const shown = (text: string) =>
  printable(text.replace(/\r+\n/g, '\n').replace(/[^\n]*\r/g, '')).toWellFormed();
