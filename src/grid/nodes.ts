import { ExitCode, GvaError } from '../system/errors.js';

/** Nodes that cannot run instances for one reason, after which it is taken for the reason of all. */
const unfitNodes = 3;
/** Elements in a row that ended before any point was begun, on one node: it is avoided then. */
const mostFruitless = 3;
/** Seconds for which a node is avoided that the grid itself takes back into service: it is for the grid to judge. */
const pause = 1800;

/** Why nothing can be run somewhere; reasons with the same code are the same reason. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** What one knows of nodes from the jobs that ended there badly, and of the grid as a whole. */
export class Nodes {
  /** What is in the way of all points, wherever they are run. */
  trouble: GvaError | undefined;
  /** Node to the code of the reason why it cannot run instances. */
  readonly #unfit = new Map<string, string>();
  /** Node to the second until which it is avoided. */
  readonly #paused = new Map<string, number>();
  /** Node to the elements in a row that ended there before any point was begun. */
  readonly #fruitless = new Map<string, number>();
  /** The same, wherever they were. */
  #allFruitless = 0;
  #begun = false;

  /** Nodes that are not to get any more of this sweep for now. */
  excluded(now: number): string[] {
    const paused = [...this.#paused].flatMap(([node, until]) => (until > now ? [node] : []));
    return [...new Set([...this.#unfit.keys(), ...paused])].sort();
  }

  /** The grid has no other nodes: those that have only failed must do. @returns whether there were any */
  forgive(): boolean {
    const any = this.#paused.size > 0;
    this.#paused.clear();
    return any;
  }

  /** A point was begun there. */
  begun(node: string | undefined): void {
    this.#begun = true;
    this.#allFruitless = 0;
    if (node !== undefined) this.#fruitless.delete(node);
  }

  /** A worker has said that the node cannot run instances. */
  unfit(node: string, { code, message }: Reason): void {
    this.#unfit.set(node, code);
    const alike = [...this.#unfit.values()].filter((one) => one === code).length;
    if (alike >= unfitNodes) this.#stop(`${alike} nodes cannot run instances: ${message}`);
  }

  /** The node failed, by the grid's word. */
  failed(node: string, now: number): void {
    this.#paused.set(node, now + pause);
  }

  /**
   * A job has ended before it began any point. Where none has begun one yet, three are enough to tell that none will;
   * later, it is a node that is good for nothing.
   *
   * @param log of it, for people
   */
  fruitless(node: string | undefined, reason: Reason, log: string): void {
    const there = node === undefined ? 0 : (this.#fruitless.get(node) ?? 0) + 1;
    if (node !== undefined) this.#fruitless.set(node, there);
    if (++this.#allFruitless >= mostFruitless && !this.#begun)
      this.#stop(`${this.#allFruitless} jobs have ended before they began a point: ${reason.message}`, log);
    if (node !== undefined && there >= mostFruitless) this.unfit(node, reason);
  }

  #stop(message: string, log?: string): void {
    const look = log === undefined ? '' : `What the last one said is in ${log}\n`;
    this.trouble ??= new GvaError('SWEEP_STOPPED', message, {
      exitCode: ExitCode.infrastructure,
      hint: `${look}What is done is kept: the same command goes on from there.`,
    });
  }
}
