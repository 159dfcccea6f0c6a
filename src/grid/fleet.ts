import type { GridRecord } from '../model/grid.js';
import type { Point } from '../model/sweep.js';
import type { StoredChunk } from './chunks.js';
import type { WorkerEnd } from './classify.js';
import { RecordReader } from './records.js';

/** An element of which something may still come. */
export interface LiveElement {
  readonly chunk: LiveChunk;
  readonly number: number;
  /** Points without an end by number, in the order in which they are run. */
  readonly open: Map<number, Point>;
  /** Those of them that were begun: when, in milliseconds of the worker's clock. */
  readonly begun: Map<number, number>;
  worker: WorkerEnd;
  node: string | undefined;
  /** Good answers of the grid in a row that did not speak of it. */
  silent: number;
  /** Seconds of the coordinator's clock since it has been known to be over. */
  overSince: number | undefined;
}

/** A chunk of which something may still come. */
export interface LiveChunk {
  readonly number: number;
  readonly intent: StoredChunk['intent'];
  /** What the grid calls it; undefined until that is certain. */
  job: string | undefined;
  /** Times that the grid was asked for it by its name and knew nothing. */
  misses: number;
  readonly reader: RecordReader;
  readonly elements: ReadonlyMap<number, LiveElement>;
}

/** All that was submitted and is not settled. */
export class Fleet {
  readonly chunks = new Map<number, LiveChunk>();
  readonly #sweep: string;
  readonly #byPoint = new Map<number, LiveElement>();

  constructor(sweep: string) {
    this.#sweep = sweep;
  }

  get elements(): number {
    let count = 0;
    for (const { elements } of this.chunks.values()) count += elements.size;
    return count;
  }

  /** Where the point is to be run; of several such places, the last. */
  of(point: number): LiveElement | undefined {
    return this.#byPoint.get(point);
  }

  /** @param points those of each element of which something is still wanted */
  add({ number, intent, job }: StoredChunk, points: readonly (readonly Point[])[]): LiveChunk {
    const elements = new Map<number, LiveElement>();
    const chunk = { number, intent, job, misses: 0, reader: new RecordReader(this.#sweep, number), elements };
    for (const [element, wanted] of points.entries()) {
      const live = newElement(chunk, element, wanted);
      elements.set(element, live);
      for (const { index } of wanted) this.#byPoint.set(index, live);
    }
    this.chunks.set(number, chunk);
    return chunk;
  }

  /** A point has come to its end, wherever it was run; nothing is expected of it any more. */
  close(point: number): void {
    const element = this.#byPoint.get(point);
    element?.open.delete(point);
    element?.begun.delete(point);
    this.#byPoint.delete(point);
  }

  /** Of an element nothing will come any more. @returns whether its whole chunk is over */
  settle(element: LiveElement): boolean {
    const { chunk } = element;
    for (const point of element.open.keys())
      if (this.#byPoint.get(point) === element) this.#byPoint.delete(point);
    (chunk.elements as Map<number, LiveElement>).delete(element.number);
    if (chunk.elements.size > 0) return false;
    this.chunks.delete(chunk.number);
    return true;
  }
}

function newElement(chunk: LiveChunk, number: number, points: readonly Point[]): LiveElement {
  return {
    ...{
      chunk,
      number,
      open: new Map(points.map((point) => [point.index, point])),
      begun: new Map(),
      silent: 0,
    },
    worker: { began: false, ended: false },
    node: undefined,
    overSince: undefined,
  };
}

/** What a record says of the element itself. */
export function note(element: LiveElement, record: GridRecord): void {
  const { worker } = element;
  switch (record.record) {
    case 'began':
      // A grid that begins a job anew brings a new worker: what the one before said of its end is no longer so.
      element.worker = { began: true, ended: false };
      element.node = record.node;
      element.overSince = undefined;
      break;
    case 'trouble': {
      const { code, message, avoidNode } = record;
      element.worker = { ...worker, trouble: { code, message, avoidNode } };
      break;
    }
    case 'stopped':
      element.worker = { ...worker, stopped: record.signal };
      break;
    case 'ended':
      element.worker = { ...worker, ended: true };
      break;
    case 'staged':
    case 'vmm':
    case 'point-began':
    case 'point-ended':
    case 'point-known':
      break;
  }
}
