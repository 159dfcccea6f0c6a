import { bundleSize } from '../../src/grid/bundle.js';
import type { Agenda, Server } from './agenda.js';
import type { Cluster } from './cluster.js';
import type { Costs, Workload } from './model.js';

export interface ClientParts {
  readonly agenda: Agenda;
  readonly server: Server;
  readonly work: Workload;
  readonly costs: Costs;
  readonly cluster: Cluster;
}

/** The process that submits points in jobs and takes in what they have published: one thing after the other. */
export class Client {
  readonly #parts: ClientParts;
  #pending: number;
  #inFlight = 0;
  #isSubmitting = false;
  done = 0;
  given = 0;
  jobs = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#pending = parts.work.points;
  }

  start(): void {
    this.#parts.cluster.onEnd((done, back) => this.#jobEnded(done, back));
    this.#submit();
  }

  /** An array, where there is room; the next one when that is submitted. As `src/grid/submitter.ts`. */
  #submit(): void {
    const { agenda, server, costs, cluster } = this.#parts;
    const free = costs.jobs - this.#inFlight;
    const isTime = this.#inFlight === 0 || free >= costs.jobs / 10;
    if (this.#isSubmitting || this.#pending === 0 || free < 1 || !isTime) return;
    const bundle = this.#bundle();
    const jobs = Math.min(free, costs.arrayJobs, Math.ceil(this.#pending / bundle));
    const points = Math.min(this.#pending, jobs * bundle);
    this.#pending -= points;
    this.#inFlight += jobs;
    this.given += points;
    this.jobs += jobs;
    this.#isSubmitting = true;
    const submitted = server.serve(costs.arraySeconds + points * costs.submitSeconds);
    agenda.at(submitted, () => {
      this.#isSubmitting = false;
      for (let job = 0, left = points; job < jobs; job++) {
        const share = Math.ceil(left / (jobs - job));
        left -= share;
        cluster.enqueue(share);
      }
      this.#submit();
    });
  }

  #bundle(): number {
    const { work, costs } = this.#parts;
    const pointSeconds = work.seconds + costs.pointSeconds;
    // GVA's rule is for jobs of 300 s.
    const scaled = pointSeconds * (300 / costs.jobSeconds);
    const facts = { points: this.#pending, pointSeconds: scaled, slots: undefined };
    return bundleSize({ ...facts, elements: costs.jobs });
  }

  #jobEnded(done: number, back: number): void {
    const { agenda, server, costs } = this.#parts;
    agenda.after(costs.lookSeconds, () =>
      agenda.at(server.serve((done + back) * costs.foldSeconds), () => {
        this.#inFlight--;
        this.done += done;
        this.#pending += back;
        this.#submit();
      }),
    );
  }
}
