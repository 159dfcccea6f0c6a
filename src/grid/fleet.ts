import type { GridRecord } from '../model/grid.js';
import type { Point } from '../model/sweep.js';
import type { StoredChunk } from './chunks.js';
import type { WorkerEnd } from './classify.js';
import { RecordReader } from './records.js';

/** An element of which something may still come. */
export interface LiveElement {
  readonly chunk: LiveChunk;
  readonly number: number;
  /** Points that it was given. */
  readonly size: number;
  /** Points without an end by number, in the order in which they are run. */
  readonly open: Map<number, Point>;
  /** Those of them that were begun. */
  readonly begun: Set<number>;
  /** Those that its worker has saved since: they go on from there. */
  readonly saved: Set<number>;
  /** As far as is known, by the grid or by its worker. */
  state: 'pending' | 'running';
  worker: WorkerEnd;
  node: string | undefined;
  /** What the grid calls its job, by the last worker's word; undefined before there is one. */
  job: string | undefined;
  /** Good answers of the grid in a row that did not speak of it. */
  silent: number;
  /** Seconds of the coordinator's clock since it has been known to be over. */
  overSince: number | undefined;
  /** The same, since nothing of it has been wanted any more. */
  idleSince: number | undefined;
  /** A worker of it has begun a point, or found its result. */
  fruitful: boolean;
  /** It runs a point that somebody has cancelled. */
  unwanted: boolean;
  /** The same, when the grid was asked to end it. */
  cancelledAt: number | undefined;
}

/** A chunk of which something may still come. */
export interface LiveChunk {
  readonly number: number;
  readonly intent: StoredChunk['intent'];
  /** What the grid calls it; undefined until that is certain. */
  job: string | undefined;
  /** Times that the grid was asked for it by its name and knew nothing. */
  misses: number;
  /** Seconds of the coordinator's clock since its job is looked for. */
  missedSince: number | undefined;
  /** It was submitted again, so that there may be two of it. */
  repeated: boolean;
  readonly reader: RecordReader;
  readonly elements: ReadonlyMap<number, LiveElement>;
}

/** All that was submitted and is not settled. */
export class Fleet {
  readonly chunks = new Map<number, LiveChunk>();
  readonly #sweep: string;
  readonly #byPoint = new Map<number, LiveElement>();
  #elements = 0;

  /** @param sweep absolute path of its folder */
  constructor(sweep: string) {
    this.#sweep = sweep;
  }

  get elements(): number {
    return this.#elements;
  }

  /** Points without an end. */
  get points(): number {
    return this.#byPoint.size;
  }

  /** Elements by their states, and the nodes of those that run. */
  get standing(): { readonly pending: number; readonly running: number; readonly nodes: number } {
    let running = 0;
    const nodes = new Set<string>();
    for (const element of this.all()) {
      if (element.state === 'pending') continue;
      running++;
      if (element.node !== undefined) nodes.add(element.node);
    }
    return { pending: this.#elements - running, running, nodes: nodes.size };
  }

  /** Chunks of which it is not certain that the grid has them. */
  get uncertain(): LiveChunk[] {
    return [...this.chunks.values()].filter(({ job }) => job === undefined);
  }

  /** They may be settled while one goes through them. */
  *all(): Generator<LiveElement> {
    for (const { elements } of this.chunks.values()) yield* elements.values();
  }

  /** Where the point is to be run. */
  of(point: number): LiveElement | undefined {
    return this.#byPoint.get(point);
  }

  /**
   * What is wanted of an older chunk too is wanted of this one only.
   *
   * @param points those of each element of which something is still wanted
   */
  add({ number, intent, job }: StoredChunk, points: readonly (readonly Point[])[]): LiveChunk {
    const elements = new Map<number, LiveElement>();
    const chunk: LiveChunk = {
      ...{ number, intent, job, misses: 0, missedSince: undefined, repeated: false, elements },
      reader: new RecordReader(this.#sweep, number),
    };
    for (const [element, wanted] of points.entries()) {
      for (const { index } of wanted) this.close(index);
      const size = intent.points[element]?.length ?? wanted.length;
      const live = newElement({ chunk, number: element, size }, wanted);
      elements.set(element, live);
      for (const { index } of wanted) this.#byPoint.set(index, live);
    }
    this.#elements += elements.size;
    this.chunks.set(number, chunk);
    return chunk;
  }

  /** A point has come to its end, wherever it was run; nothing is expected of it any more. @returns the point */
  close(index: number): Point | undefined {
    const element = this.#byPoint.get(index);
    const point = element?.open.get(index);
    element?.open.delete(index);
    element?.begun.delete(index);
    this.#byPoint.delete(index);
    return point;
  }

  /** Of an element nothing will come any more. @returns whether its whole chunk is over */
  settle(element: LiveElement): boolean {
    const { chunk } = element;
    for (const point of element.open.keys())
      if (this.#byPoint.get(point) === element) this.#byPoint.delete(point);
    if ((chunk.elements as Map<number, LiveElement>).delete(element.number)) this.#elements--;
    if (chunk.elements.size > 0) return false;
    this.chunks.delete(chunk.number);
    return true;
  }
}

type Identity = Pick<LiveElement, 'chunk' | 'number' | 'size'>;

function newElement(identity: Identity, points: readonly Point[]): LiveElement {
  return {
    ...identity,
    open: new Map(points.map((point) => [point.index, point])),
    begun: new Set(),
    saved: new Set(),
    state: 'pending',
    worker: { began: false, ended: false },
    ...{ node: undefined, job: undefined, silent: 0, fruitful: false, unwanted: false },
    ...{ overSince: undefined, idleSince: undefined, cancelledAt: undefined },
  };
}

/** What a record says of the element itself. */
export function note(element: LiveElement, record: GridRecord): void {
  const { worker } = element;
  switch (record.record) {
    case 'began':
      // A grid that begins a job anew brings a new worker: what the one before said of its end is no longer so.
      element.worker = { began: true, ended: false };
      element.state = 'running';
      element.node = record.node;
      element.job = record.job;
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
    case 'point-saved':
    case 'point-known':
    case 'point-skipped':
      break;
  }
}
