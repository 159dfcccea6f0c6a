import { open, readdir } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { GridRecord } from '../model/grid.js';
import { gridChunk, gridFiles } from '../system/paths.js';

const text = z.string().max(64 << 10);
const point = z.int().min(0);
const at = z.string();
const moment = z.number().nullable();

const outcome = z.object({
  state: z.enum(['done', 'failed', 'lost', 'cancelled']),
  cause: text.exactOptional(),
  message: text.exactOptional(),
  status: z.number().nullable(),
  times: z
    .object({
      ...{ staged: moment, booted: moment, ready: moment, scriptsStarted: moment },
      ...{ scriptsEnded: moment, poweredOff: moment, collected: moment },
    })
    .nullable(),
});

const kind = <Name extends string, Shape extends z.core.$ZodLooseShape>(record: Name, shape: Shape) =>
  z.object({ at, record: z.literal(record), ...shape });

/** What this version writes and reads; lines of any other kind are let pass. */
const schema = z.discriminatedUnion('record', [
  kind('began', { job: text, node: text, pid: point, restarts: point }),
  kind('staged', { bytes: z.number(), seconds: z.number() }),
  kind('vmm', { name: text, version: text, accelerator: text }),
  kind('point-began', { point }),
  kind('point-ended', {
    ...{ point, outcome, scratchBytes: z.number(), published: z.boolean() },
    seconds: z.number().min(0).exactOptional(),
  }),
  kind('point-saved', { point, elapsed: z.number(), bytes: z.number() }),
  kind('point-known', { point }),
  kind('point-skipped', { point }),
  kind('trouble', { code: text, message: text, avoidNode: z.boolean() }),
  kind('stopped', { signal: text }),
  kind('ended', {}),
]);

/** A line of the record of a worker of that element. */
export interface Heard {
  readonly element: number;
  readonly record: GridRecord;
}

/** Bytes of one record that are read at a time. */
const pieceSize = 1 << 20;

/**
 * Reads what the workers of a chunk have added to their records since the last time. A line counts when its end is
 * there; a file that a file server shows late, or shorter than it was, is read again later.
 */
export class RecordReader {
  readonly #folder: string;
  /** Bytes of each file that were read, up to the end of a line. */
  readonly #read = new Map<string, number>();

  constructor(sweep: string, chunk: number) {
    this.#folder = gridChunk(sweep, chunk);
  }

  /** @param wanted tells of which elements one wants to hear */
  async *news(wanted: (element: number) => boolean = () => true): AsyncGenerator<Heard> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names.sort()) {
      const element = gridFiles.elementOfRecord(name);
      if (element === undefined || !wanted(element)) continue;
      for (const line of await this.#linesOf(name)) {
        const record = parseRecord(line);
        if (record) yield { element, record };
      }
    }
  }

  async #linesOf(name: string): Promise<string[]> {
    const from = this.#read.get(name) ?? 0;
    const bytes = await tail(join(this.#folder, name), from).catch(() => undefined);
    if (!bytes) return [];
    const end = bytes.lastIndexOf(0x0a);
    // No worker writes such a line: all of it is let pass.
    if (end < 0 && bytes.length === pieceSize) this.#read.set(name, from + bytes.length);
    if (end < 0) return [];
    this.#read.set(name, from + end + 1);
    return bytes.subarray(0, end).toString('utf8').split('\n');
  }
}

/** Nothing where the file has not grown; no link is followed, and no pipe waited for. */
async function tail(file: string, from: number): Promise<Buffer | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  await using handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const { size } = await handle.stat();
  if (size <= from) return undefined;
  const { buffer, bytesRead } = await handle.read({
    buffer: Buffer.alloc(Math.min(size - from, pieceSize)),
    position: from,
  });
  return buffer.subarray(0, bytesRead);
}

/** Undefined where the line is of a later version, or damaged. */
export function parseRecord(line: string): GridRecord | undefined {
  try {
    return schema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
