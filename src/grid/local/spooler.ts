import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningElement } from './element.js';
import type { LocalArray, QueueFolder } from './queue-folder.js';

/** What elements may take of this machine at a time. */
export interface LocalCapacity {
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
}

/** Milliseconds between looks for new arrays and requests. */
const interval = 200;
/** Milliseconds that ended arrays are kept. */
const keptFor = 14 * 86_400_000;

/** An array some of whose elements have not ended. */
interface OpenArray {
  readonly local: LocalArray;
  readonly pending: Set<number>;
  readonly running: Map<number, RunningElement>;
}

/**
 * Runs the elements of a queue's arrays, in the order of their submission, as many at a time as there is room for: one
 * at least, however big. A queue has one spooler at a time.
 */
export class Spooler {
  readonly #queue: QueueFolder;
  readonly #capacity: LocalCapacity;
  readonly #open = new Map<string, OpenArray>();
  /** Arrays all of whose elements have ended, or that cannot be read. */
  readonly #closed = new Set<string>();
  readonly #stop: AbortSignal;
  #wake = new AbortController();

  /** @param stop ends what runs, as if the machine went down, and keeps more from being begun */
  constructor(queue: QueueFolder, capacity: LocalCapacity, stop: AbortSignal) {
    this.#queue = queue;
    this.#capacity = capacity;
    this.#stop = stop;
    stop.addEventListener('abort', () => this.#wake.abort());
  }

  /** Until no element is left that has not ended, or it is stopped. */
  async run(): Promise<void> {
    for (;;) {
      await this.#look();
      const stopping = this.#stop.aborted;
      if (stopping) this.#stopAll();
      else this.#begin();
      for (const [name, { pending, running }] of this.#open)
        if (running.size === 0 && (pending.size === 0 || stopping)) this.#close(name);
      if (this.#open.size === 0) return;
      await sleep(interval, undefined, { signal: this.#wake.signal }).catch(() => undefined);
      this.#wake = new AbortController();
    }
  }

  #close(name: string): void {
    this.#open.delete(name);
    this.#closed.add(name);
  }

  async #look(): Promise<void> {
    for (const name of await this.#queue.names())
      if (!this.#open.has(name) && !this.#closed.has(name)) await this.#take(name);
    for (const [name, array] of this.#open) {
      const wanted = await this.#queue.takeCancels(name);
      for (const element of wanted === 'all' ? array.pending : wanted)
        if (array.pending.delete(element))
          this.#queue.tell(name, { element, state: 'ended', end: 'cancelled', word: 'CANCELLED' });
      for (const [element, running] of array.running)
        if (wanted === 'all' || wanted.has(element)) running.stop('cancelled');
    }
  }

  /** Takes up an array, as a spooler before this one may have left it. */
  async #take(name: string): Promise<void> {
    const local = await this.#queue.read(name).catch((error: unknown) => {
      console.error(error);
      return undefined;
    });
    if (!local) {
      this.#closed.add(name);
      return;
    }
    const states = await this.#queue.states(name);
    const pending = new Set<number>();
    for (let element = 0; element < local.array.elements; element++) {
      const known = states.get(element);
      if (known === undefined) pending.add(element);
      else if (known.state === 'running')
        // Whose spooler dies, dies with it.
        this.#queue.tell(name, {
          ...known,
          ...{ state: 'ended', end: 'node-failed', word: 'NODE_FAIL', reason: 'the spooler was killed' },
        });
    }
    if (pending.size > 0) this.#open.set(name, { local, pending, running: new Map() });
    else if (Date.now() - (await this.#queue.lastNews(name)) > keptFor) await this.#queue.remove(name);
    else this.#closed.add(name);
  }

  #begin(): void {
    const arrays = [...this.#open].sort(
      ([one, a], [other, b]) => a.local.submitted - b.local.submitted || (one < other ? -1 : 1),
    );
    for (const [name, array] of arrays) {
      const { after = [] } = array.local.array;
      if (after.some((job) => this.#open.has(job))) continue;
      for (const element of array.pending) {
        if (array.running.size >= (array.local.array.atOnce ?? Infinity)) break;
        // What is big would never come to its turn behind what is small.
        if (!this.#fits(array.local)) return;
        array.pending.delete(element);
        this.#start(name, array, element);
      }
    }
  }

  #fits({ array: { resources } }: LocalArray): boolean {
    let { cpus, memory } = this.#capacity;
    let alone = true;
    for (const { local, running } of this.#open.values()) {
      cpus -= running.size * local.array.resources.cpus;
      memory -= running.size * local.array.resources.memory;
      alone &&= running.size === 0;
    }
    return alone || (resources.cpus <= cpus && resources.memory <= memory);
  }

  #start(name: string, { local, running }: OpenArray, element: number): void {
    const node = hostname();
    this.#queue.tell(name, { element, state: 'running', node, word: 'RUNNING' });
    const started = new RunningElement(local, element);
    running.set(element, started);
    void started.ended.then((end) => {
      running.delete(element);
      this.#queue.tell(name, { element, state: 'ended', node, ...end });
      this.#wake.abort();
    });
  }

  #stopAll(): void {
    for (const { running } of this.#open.values())
      for (const element of running.values()) element.stop('node-failed', 'the spooler was told to end');
  }
}
