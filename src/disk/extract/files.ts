import { closeSync } from 'node:fs';
import { errnoOf, GvaError, messageOf } from '../../system/errors.js';
import type { Report } from '../findings.js';
import { LimitReached, type Pace } from '../pace.js';
import type { FileTree, TreeNode } from '../tree.js';
import { finishFile, makeFile, makeHardLink, refused, setSize, writeAt, type Outcome } from './host.js';
import type { Settings } from './limits.js';
import { hostPath, type Place } from './names.js';

/** Makes regular files and hard links, and counts what they cost. */
export class FileWriter<Node extends TreeNode> {
  /** Names of files made. */
  count = 0;
  /** Bytes of data written. */
  bytes = 0;
  readonly #tree: FileTree<Node>;
  readonly #base: Buffer;
  readonly #settings: Settings;
  readonly #pace: Pace;
  readonly #seen = new Set<number>();
  /** The first place of each inode that claims several names. */
  readonly #places = new Map<number, Place>();

  constructor(tree: FileTree<Node>, base: Buffer, settings: Settings, pace: Pace) {
    this.#tree = tree;
    this.#base = base;
    this.#settings = settings;
    this.#pace = pace;
  }

  async extract(node: Node, place: Place, path: Buffer, report: Report): Promise<Outcome> {
    const first = this.#places.get(node.id);
    const linked = first ? makeHardLink(hostPath(this.#base, first), path) : 'refused';
    if (linked === 'exists') return 'exists';
    if (linked === 'refused') {
      const outcome = await this.#copy(node, path, report);
      if (outcome !== 'made') return outcome;
      this.#remember(node, place, report);
    } else {
      this.count += 1;
    }
    return 'made';
  }

  #remember(node: Node, place: Place, report: Report): void {
    if (this.#seen.has(node.id)) {
      report('HARD_LINK', `the file has more names than the ${node.links} it claims: copied`);
    }
    if (node.links > 1) this.#places.set(node.id, place);
    else this.#seen.add(node.id);
  }

  async #copy(node: Node, path: Buffer, report: Report): Promise<Outcome> {
    const descriptor = makeFile(path);
    if (descriptor === 'exists') return 'exists';
    if (descriptor === 'refused') return refused(report);
    this.count += 1;
    try {
      await this.#fill(node, descriptor, report);
    } finally {
      closeSync(descriptor);
    }
    return 'made';
  }

  /** Writes the contents and sets the attributes, also of a file that ends early. */
  async #fill(node: Node, descriptor: number, report: Report): Promise<void> {
    const { maxFileSize } = this.#settings;
    const written = { end: 0 };
    let size = node.size;
    try {
      await this.#write(node, descriptor, written, report);
      if (size > maxFileSize) {
        report(
          'FILE_SIZE',
          `the file claims ${size} bytes, more than ${maxFileSize}: it ends at ${written.end}`,
        );
        size = written.end;
      }
    } catch (error) {
      size = written.end;
      throw error;
    } finally {
      if (size !== written.end) setSize(descriptor, size, report); // a hole at the end, or no data at all
      finishFile(descriptor, node, report);
    }
  }

  /** Keeps `written.end` at the end of the last byte written. */
  async #write(node: Node, descriptor: number, written: { end: number }, report: Report): Promise<void> {
    const { maxBytes, maxFileSize, signal } = this.#settings;
    try {
      for await (const piece of this.#tree.readFile(node, report)) {
        await this.#pace.step();
        if (!piece) continue;
        if (piece.offset >= maxFileSize) break;
        const room = Math.min(maxFileSize - piece.offset, maxBytes - this.bytes);
        const data = piece.data.subarray(0, room);
        await writeAt(descriptor, data, piece.offset);
        this.bytes += data.length;
        written.end = piece.offset + data.length;
        if (this.bytes >= maxBytes && data.length < piece.data.length) {
          throw new LimitReached('LIMIT_BYTES', `the files have more than ${maxBytes} bytes of data`);
        }
      }
    } catch (error) {
      if (errnoOf(error) === 'EFBIG') report('HOST_WRITE', messageOf(error));
      else if (error instanceof GvaError && !signal?.aborted) report(error.code, error.message);
      else throw error;
    }
  }
}
