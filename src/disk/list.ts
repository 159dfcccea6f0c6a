import { GvaError } from '../system/errors.js';
import { printableName, type Findings, type Report } from './findings.js';
import { LimitReached, Pace } from './pace.js';
import type { FileTree, TreeNode } from './tree.js';

export interface ListedEntry<Node extends TreeNode> {
  /** Names from the start, joined with `/`, raw: not to be used as a path of the host. */
  path: Buffer;
  /** The same for people, as by `printableName`. */
  text: string;
  node: Node;
}

export interface ListOptions<Node extends TreeNode = TreeNode> {
  /** The directory that is listed. Default: the root. */
  start?: Node;
  /** Enter directories. Default: true. */
  recursive?: boolean;
  /** Default: 1,000,000. */
  maxEntries?: number;
  /** Levels below the start. Default: 100. */
  maxDepth?: number;
  /** Milliseconds, those of the consumer included. Default: 600,000. */
  timeMs?: number;
  /** Ends the listing with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Every object of a tree, parents before children, as long as no limit is reached: that is a finding
 * (LIMIT_FILES, LIMIT_TIME, LIMIT_DEPTH), as is all that cannot be read. A directory is entered once, however
 * many names it has (DIRECTORY_LOOP).
 */
export async function* listTree<Node extends TreeNode>(
  tree: FileTree<Node>,
  findings: Findings,
  options: ListOptions<Node> = {},
): AsyncGenerator<ListedEntry<Node>> {
  try {
    const top = { path: Buffer.alloc(0), text: '', depth: 0 };
    yield* new Listing(tree, findings, options).enter(options.start ?? tree.root, top);
  } catch (error) {
    if (!(error instanceof LimitReached)) throw error;
    findings.add(error.code, () => '', error.message);
  }
}

const SLASH = Buffer.from('/');

interface Place {
  path: Buffer;
  text: string;
  depth: number;
}

class Listing<Node extends TreeNode> {
  readonly #tree: FileTree<Node>;
  readonly #findings: Findings;
  readonly #signal: AbortSignal | undefined;
  readonly #pace: Pace;
  readonly #recursive: boolean;
  readonly #maxDepth: number;
  readonly #maxEntries: number;
  readonly #entered = new Set<number>();
  #entries = 0;

  constructor(tree: FileTree<Node>, findings: Findings, options: ListOptions<Node>) {
    this.#tree = tree;
    this.#findings = findings;
    this.#signal = options.signal;
    this.#pace = new Pace(options.timeMs ?? 600_000, options.signal);
    this.#recursive = options.recursive ?? true;
    this.#maxDepth = options.maxDepth ?? 100;
    this.#maxEntries = options.maxEntries ?? 1_000_000;
  }

  async *enter(directory: Node, place: Place): AsyncGenerator<ListedEntry<Node>> {
    const report = this.#reportFor(place);
    if (this.#entered.has(directory.id)) {
      report('DIRECTORY_LOOP', 'the directory was listed before: not entered again');
      return;
    }
    this.#entered.add(directory.id);
    try {
      for await (const entries of this.#tree.readDirectory(directory, report)) {
        await this.#pace.step();
        for (const { name, id } of entries) yield* this.#describe(below(place, name), id);
      }
    } catch (error) {
      this.#note(error, report);
    }
  }

  async *#describe(place: Place, id: number): AsyncGenerator<ListedEntry<Node>> {
    const report = this.#reportFor(place);
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
    yield { path: place.path, text: place.text, node };
    if (node.kind !== 'directory' || !this.#recursive) return;
    if (place.depth <= this.#maxDepth) yield* this.enter(node, place);
    else report('LIMIT_DEPTH', `more than ${this.#maxDepth} levels of directories: not entered`);
  }

  #reportFor(place: Place): Report {
    return (code, message) => this.#findings.add(code, () => place.text, message);
  }

  #note(error: unknown, report: Report): void {
    if (!(error instanceof GvaError) || this.#signal?.aborted) throw error;
    report(error.code, error.message);
  }
}

function below(place: Place, name: Buffer): Place {
  const text = printableName(name);
  if (place.depth === 0) return { path: name, text, depth: 1 };
  return {
    path: Buffer.concat([place.path, SLASH, name]),
    text: `${place.text}/${text}`,
    depth: place.depth + 1,
  };
}
