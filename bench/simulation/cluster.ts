import type { Agenda, Server } from './agenda.js';
import type { Draws } from './draws.js';
import type { Costs, Site, Workload } from './model.js';

export interface ClusterParts {
  readonly agenda: Agenda;
  readonly servers: { readonly operations: Server; readonly bytes: Server; readonly scheduler: Server };
  readonly work: Workload;
  readonly site: Site;
  readonly costs: Costs;
  readonly draws: Draws;
}

interface Node {
  images: 'none' | 'coming' | 'there';
  /** What waits for the images. */
  waiting: (() => void)[];
  readonly running: Set<Job>;
  /** From 0, one more with each failure. */
  life: number;
}

interface Job {
  readonly node: Node;
  left: number;
  done: number;
  /** Computed, and lost. */
  lost: number;
  /** What it computes now: how many points, from when to when. */
  now: { readonly points: number; readonly from: number; readonly to: number } | undefined;
}

/** Points that a job computes and publishes as of one piece: fewer would be truer, and take longer to simulate. */
const pieces = 2;

type Ended = (done: number, back: number) => void;

/** Nodes with slots, a scheduler that starts jobs one after the other, and a file system that all share. */
export class Cluster {
  readonly #parts: ClusterParts;
  /** Points of jobs that wait; those before the head have begun. */
  #queue: number[] = [];
  #head = 0;
  /** A node for each slot that is free. */
  #free: Node[] = [];
  #running = 0;
  #ended: Ended = () => undefined;
  computed = 0;
  computedSeconds = 0;
  nodeFailures = 0;
  mostRunning = 0;
  copiedBytes = 0;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    const { agenda, site, draws } = parts;
    for (let n = 0; n < site.nodes; n++) {
      const images = draws.uniform() < site.cachedShare ? 'there' : 'none';
      const node: Node = { images, waiting: [], running: new Set(), life: 0 };
      agenda.after(draws.exponential(site.arrivalSeconds), () => this.#arrive(node));
    }
  }

  onEnd(ended: Ended): void {
    this.#ended = ended;
  }

  enqueue(points: number): void {
    this.#queue.push(points);
    this.#dispatch();
  }

  #arrive(node: Node): void {
    const { agenda, site, draws } = this.#parts;
    for (let slot = 0; slot < site.slotsPerNode; slot++) this.#free.push(node);
    if (site.failureSeconds < Infinity)
      agenda.after(draws.exponential(site.failureSeconds), () => this.#fail(node));
    this.#dispatch();
  }

  #dispatch(): void {
    const { agenda, servers, costs } = this.#parts;
    while (this.#head < this.#queue.length && this.#free.length > 0) {
      const node = this.#free.pop();
      if (!node) break;
      const points = this.#queue[this.#head++] ?? 0;
      const job: Job = { node, left: points, done: 0, lost: 0, now: undefined };
      node.running.add(job);
      this.mostRunning = Math.max(this.mostRunning, ++this.#running);
      agenda.at(servers.scheduler.serve(1), () =>
        agenda.after(costs.workerSeconds, () => this.#withImages(job, () => this.#compute(job))),
      );
    }
    if (this.#head === this.#queue.length) [this.#queue, this.#head] = [[], 0];
  }

  /** The first job of a node copies them, the others wait. */
  #withImages(job: Job, then: () => void): void {
    const { agenda, servers, work, site } = this.#parts;
    const { node } = job;
    if (!node.running.has(job)) return;
    if (node.images === 'there') {
      then();
      return;
    }
    node.waiting.push(then);
    if (node.images === 'coming') return;
    node.images = 'coming';
    this.copiedBytes += work.imageBytes;
    const { waiting } = node;
    const least = agenda.now + work.imageBytes / site.nodeBytesPerSecond;
    agenda.at(Math.max(least, servers.bytes.serve(work.imageBytes)), () => {
      // It has failed meanwhile.
      if (node.waiting !== waiting) return;
      node.images = 'there';
      for (const each of waiting.splice(0)) each();
    });
  }

  #compute(job: Job): void {
    const { agenda, servers, work, costs, draws } = this.#parts;
    if (!job.node.running.has(job)) return;
    if (job.left === 0) {
      this.#end(job);
      return;
    }
    const piece = Math.min(job.left, Math.ceil((job.left + job.done + job.lost) / pieces));
    const { seconds } = work;
    const program = work.spread === 'none' ? piece * seconds : draws.sumOfExponentials(piece, seconds);
    const to = agenda.now + program + piece * costs.pointSeconds;
    job.now = { points: piece, from: agenda.now, to };
    agenda.at(to, () => {
      if (!job.node.running.has(job)) return;
      this.computedSeconds += program;
      this.computed += piece;
      job.now = undefined;
      job.left -= piece;
      const lost = draws.binomial(piece, work.lossChance);
      const published = servers.operations.serve((piece - lost) * costs.operationsPerPoint);
      // What is published is safe, whatever becomes of the node.
      job.done += piece - lost;
      job.lost += lost;
      agenda.at(published, () => this.#compute(job));
    });
  }

  #end(job: Job): void {
    const { agenda, site } = this.#parts;
    const { node } = job;
    const { life } = node;
    this.#leave(job);
    agenda.after(site.turnSeconds, () => {
      // A node that has failed meanwhile has lost this slot, and brings all of them when it comes again.
      if (node.life !== life) return;
      this.#free.push(node);
      this.#dispatch();
    });
  }

  #leave(job: Job): void {
    job.node.running.delete(job);
    this.#running--;
    this.#ended(job.done, job.left + job.lost);
  }

  /** Points that were through before it failed are published; the others come back. */
  #fail(node: Node): void {
    const { agenda, site } = this.#parts;
    this.nodeFailures++;
    node.life++;
    this.#free = this.#free.filter((each) => each !== node);
    if (node.images === 'coming') node.images = 'none';
    node.waiting = [];
    for (const job of node.running) {
      if (job.now) {
        const { points, from, to } = job.now;
        const through = Math.floor((points * (agenda.now - from)) / (to - from));
        job.done += through;
        job.left -= through;
        this.computed += through;
        this.computedSeconds += through * this.#parts.work.seconds;
      }
      this.#leave(job);
    }
    agenda.after(site.repairSeconds, () => this.#arrive(node));
  }
}
