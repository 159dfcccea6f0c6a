import { GvaError } from '../system/errors.js';
import { printable, type Findings, type Report } from './findings.js';
import { LimitReached, Pace } from './pace.js';
import type { FileTree, TreeNode } from './tree.js';

export interface ListedEntry<Node extends TreeNode> {
  /** Names from the root, joined with `/`, raw: not to be used as a path of the host. */
  path: Buffer;
  node: Node;
}

export interface ListOptions {
  /** Default: 1,000,000. */
  maxEntries?: number;
  /** Levels below the root. Default: 100. */
  maxDepth?: number;
  /** Milliseconds, those of the consumer included. Default: 600,000. */
  timeMs?: number;
  /** Ends the listing with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Every object of a tree, parents before children, as long as no limit is reached: that is a finding
 * (LIMIT_FILES, LIMIT_TIME, LIMIT_DEPTH), as is all that cannot be read. A directory is entered once, however
 * many names it has (DIRECTORY_LOOP).
 */
export async function* listTree<Node extends TreeNode>(
  tree: FileTree<Node>,
  findings: Findings,
  options: ListOptions = {},
): AsyncGenerator<ListedEntry<Node>> {
  try {
    yield* new Listing(tree, findings, options).enter(tree.root, Buffer.alloc(0), 0);
  } catch (error) {
    if (!(error instanceof LimitReached)) throw error;
    findings.add(error.code, () => '', error.message);
  }
}

const SLASH = Buffer.from('/');

class Listing<Node extends TreeNode> {
  readonly #tree: FileTree<Node>;
  readonly #findings: Findings;
  readonly #signal: AbortSignal | undefined;
  readonly #pace: Pace;
  readonly #maxDepth: number;
  readonly #maxEntries: number;
  readonly #entered = new Set<number>();
  #entries = 0;

  constructor(tree: FileTree<Node>, findings: Findings, options: ListOptions) {
    this.#tree = tree;
    this.#findings = findings;
    this.#signal = options.signal;
    this.#pace = new Pace(options.timeMs ?? 600_000, options.signal);
    this.#maxDepth = options.maxDepth ?? 100;
    this.#maxEntries = options.maxEntries ?? 1_000_000;
  }

  async *enter(directory: Node, path: Buffer, depth: number): AsyncGenerator<ListedEntry<Node>> {
    const report: Report = (code, message) => this.#findings.add(code, () => printable(path), message);
    if (this.#entered.has(directory.id)) {
      report('DIRECTORY_LOOP', 'the directory was listed before: not entered again');
      return;
    }
    this.#entered.add(directory.id);
    try {
      for await (const entries of this.#tree.readDirectory(directory, report)) {
        await this.#pace.step();
        for (const { name, id } of entries) {
          yield* this.#describe(depth === 0 ? name : Buffer.concat([path, SLASH, name]), id, depth + 1);
        }
      }
    } catch (error) {
      this.#note(error, report);
    }
  }

  async *#describe(path: Buffer, id: number, depth: number): AsyncGenerator<ListedEntry<Node>> {
    const report: Report = (code, message) => this.#findings.add(code, () => printable(path), message);
    await this.#pace.step();
    this.#entries += 1;
    if (this.#entries > this.#maxEntries) {
      throw new LimitReached('LIMIT_FILES', `there are more than ${this.#maxEntries} entries`);
    }
    let node: Node;
    try {
      node = await this.#tree.stat(id, report);
    } catch (error) {
      this.#note(error, report);
      return;
    }
    yield { path, node };
    if (node.kind !== 'directory') return;
    if (depth <= this.#maxDepth) yield* this.enter(node, path, depth);
    else report('LIMIT_DEPTH', `more than ${this.#maxDepth} levels of directories: not entered`);
  }

  #note(error: unknown, report: Report): void {
    if (!(error instanceof GvaError) || this.#signal?.aborted) throw error;
    report(error.code, error.message);
  }
}
