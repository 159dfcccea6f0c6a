import { GvaError } from '../../system/errors.js';
import type { ExtractionReport } from '../extract.js';
import { Findings, printable, type Report } from '../findings.js';
import { lookUp } from '../lookup.js';
import { LimitReached, Pace } from '../pace.js';
import type { DirectoryEntry, FileTree, TreeNode } from '../tree.js';
import { FileWriter } from './files.js';
import * as host from './host.js';
import type { Outcome } from './host.js';
import type { Settings } from './limits.js';
import {
  below,
  hostNames,
  hostPath,
  imagePath,
  isSafeName,
  isUtf8,
  joinPath,
  substituteName,
  TOP,
  type Place,
} from './names.js';
import { judgeLink } from './symlinks.js';

/** Entries of one directory that are saved under another name; more are skipped. */
const MAX_SUBSTITUTES = 1000;

/** A directory that is being extracted. */
interface Frame {
  place: Place;
  path: Buffer;
  /** Entries that cannot have their name; they come last, so that they take no name from an honest one. */
  deferred: { entry: DirectoryEntry; code: string }[];
  substitutes: number;
}

/** One run of `extractTree`; its rules are stated there. */
export class Extraction<Node extends TreeNode> {
  readonly #tree: FileTree<Node>;
  readonly #base: Buffer;
  readonly #settings: Settings;
  readonly #findings: Findings;
  readonly #pace: Pace;
  readonly #files: FileWriter<Node>;
  readonly #entered = new Set<number>();
  /** In order of creation: parents come before children. */
  readonly #directories: (host.DirectoryAttributes & { place: Place })[] = [];
  readonly #symlinks: { place: Place; id: number }[] = [];
  #entries = 0;
  #madeSymlinks = 0;

  constructor(tree: FileTree<Node>, base: Buffer, settings: Settings) {
    this.#tree = tree;
    this.#base = base;
    this.#settings = settings;
    this.#findings = new Findings(settings.maxFindings);
    this.#pace = new Pace(settings.timeMs, settings.signal);
    this.#files = new FileWriter(tree, base, settings, this.#pace);
  }

  async run(): Promise<ExtractionReport> {
    for (const { code, path, message } of this.#tree.findings) this.#findings.add(code, () => path, message);
    try {
      await this.#withinLimits('files', async () => this.#enter(await this.#start(), TOP, this.#base));
      await this.#withinLimits('symbolic links', () => this.#makeSymlinks());
      await this.#finishDirectories();
    } catch (error) {
      throw error instanceof host.HostFailure ? error.toGvaError(this.#base.toString('utf8')) : error;
    }
    return {
      files: this.#files.count,
      directories: this.#directories.length,
      symlinks: this.#madeSymlinks,
      bytes: this.#files.bytes,
      findings: this.#findings.list,
      findingCount: this.#findings.total,
      truncated: this.#findings.truncated,
      complete: this.#findings.complete,
    };
  }

  /** The directory of the image that was asked for: EXTRACT_FROM where there is none. */
  async #start(): Promise<Node> {
    const { from } = this.#settings;
    const node = await lookUp(this.#tree, from, this.#reportFor(TOP), () => this.#pace.step());
    if (node?.kind === 'directory') return node;
    throw new GvaError('EXTRACT_FROM', `the image has no directory ${from}`, {
      hint: 'Names are those that `gva ls IMAGE --recursive` shows.',
    });
  }

  async #withinLimits(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof LimitReached)) throw error;
      this.#findings.add(error.code, () => '', `${error.message}: ${what} are missing`);
    }
  }

  async #enter(directory: Node, place: Place, path: Buffer): Promise<void> {
    const report = this.#reportFor(place);
    this.#entered.add(directory.id);
    const frame: Frame = { place, path, deferred: [], substitutes: 0 };
    await this.#reading(report, async () => {
      for await (const entries of this.#tree.readDirectory(directory, report)) {
        await this.#pace.step();
        for (const entry of entries) await this.#extractEntry(frame, entry);
      }
    });
    for (const { entry, code } of frame.deferred) await this.#extractSubstitute(frame, entry, code);
  }

  /** Faults of the image become findings, and what could not be read is left out; all else is passed on. */
  async #reading<T>(report: Report, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GvaError) || this.#settings.signal?.aborted) throw error;
      report(error.code, error.message);
      return undefined;
    }
  }

  async #extractEntry(frame: Frame, entry: DirectoryEntry): Promise<void> {
    await this.#pace.step();
    this.#entries += 1;
    if (this.#entries > this.#settings.maxFiles) {
      throw new LimitReached('LIMIT_FILES', `there are more than ${this.#settings.maxFiles} entries`);
    }
    if (frame.place.depth === 0 && this.#settings.skip(entry.name.toString('utf8'))) return;
    if (!isSafeName(entry.name)) {
      this.#defer(frame, entry, 'NAME_UNSAFE');
      return;
    }
    const made = await this.#extractAs(frame, entry, below(frame.place, entry.name));
    if (made === 'exists') this.#defer(frame, entry, 'NAME_DUPLICATE');
  }

  #defer(frame: Frame, { name, id }: DirectoryEntry, code: string): void {
    if (frame.deferred.length < MAX_SUBSTITUTES) {
      frame.deferred.push({ entry: { name: Buffer.from(name), id }, code });
    } else {
      this.#reportFor(below(frame.place, name))(code, 'too many such names in a directory: skipped');
    }
  }

  async #extractSubstitute(frame: Frame, entry: DirectoryEntry, code: string): Promise<void> {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      frame.substitutes += 1;
      const substitute = substituteName(entry.name, frame.substitutes);
      const place = below(frame.place, entry.name, substitute);
      const made = await this.#extractAs(frame, entry, place);
      if (made === 'exists') continue;
      if (made === 'made') this.#reportFor(place)(code, `saved as ${printable(substitute)}`);
      return;
    }
    this.#reportFor(below(frame.place, entry.name))(code, 'no other name is free: skipped');
  }

  /** Extracts an entry to a place whose name is safe; `exists` where that is taken. */
  async #extractAs(frame: Frame, entry: DirectoryEntry, place: Place): Promise<Outcome> {
    const report = this.#reportFor(place);
    const node = await this.#reading(report, () => this.#tree.stat(entry.id, report));
    if (!node) return 'skipped';
    if (!isUtf8(entry.name)) report('NAME_ENCODING', 'the name is no UTF-8: its bytes are kept');
    const path = joinPath(frame.path, place.hostName);
    switch (node.kind) {
      case 'directory':
        return this.#makeDirectory(node, place, path, report);
      case 'file':
        return this.#files.extract(node, place, path, report);
      case 'symlink':
        this.#symlinks.push({ place, id: entry.id });
        return 'made';
      case 'character':
      case 'block':
      case 'fifo':
      case 'socket':
      case 'unknown':
        report('SPECIAL_FILE', `a special file (${node.kind}): skipped`);
        return 'skipped';
    }
  }

  async #makeDirectory(node: Node, place: Place, path: Buffer, report: Report): Promise<Outcome> {
    if (this.#entered.has(node.id)) {
      report('DIRECTORY_LOOP', 'the directory has a place already: skipped');
      return 'skipped';
    }
    if (await this.#isEmptyLostAndFound(node, place)) return 'skipped';
    const made = host.makeDirectory(path);
    if (made === 'refused') return host.refused(report);
    if (made === 'exists') return 'exists';
    this.#directories.push({ place, permissions: host.plainMode(node, report), mtime: node.mtime });
    if (place.depth <= this.#settings.maxDepth) {
      await this.#enter(node, place, path);
    } else {
      report('LIMIT_DEPTH', `more than ${this.#settings.maxDepth} levels of directories: not entered`);
    }
    return 'made';
  }

  /** mke2fs makes it in every root; only what e2fsck left there is worth having. */
  async #isEmptyLostAndFound(node: Node, place: Place): Promise<boolean> {
    if (place.depth !== 1 || place.name.toString('latin1') !== 'lost+found') return false;
    const empty = await this.#reading(ignore, async () => {
      for await (const entries of this.#tree.readDirectory(node, ignore)) {
        await this.#pace.step();
        if (entries.length > 0) return false;
      }
      return true;
    });
    return empty ?? false;
  }

  async #makeSymlinks(): Promise<void> {
    for (const { place, id } of this.#symlinks) {
      await this.#pace.step();
      const report = this.#reportFor(place);
      await this.#reading(report, async () => {
        const node = await this.#tree.stat(id, ignore);
        this.#makeSymlink(node, await this.#tree.readLink(node, report), place, report);
      });
    }
  }

  #makeSymlink(node: Node, target: Buffer, place: Place, report: Report): void {
    const names = hostNames(place);
    const fault = judgeLink(target, this.#base, names.slice(0, -1));
    if (fault) {
      report(fault, `the link to "${printable(target.subarray(0, 1024))}" is not made`);
      return;
    }
    const directory = names.slice(0, -1).reduce(joinPath, this.#base);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const name = attempt === 0 ? place.hostName : substituteName(place.hostName, attempt);
      const path = joinPath(directory, name);
      const made = host.makeSymlink(target, path);
      if (made === 'exists') continue;
      if (made === 'refused') return void host.refused(report);
      if (attempt > 0) report('NAME_DUPLICATE', `saved as ${printable(name)}`);
      this.#madeSymlinks += 1;
      host.finishSymlink(path, node, report);
      return;
    }
    report('NAME_DUPLICATE', 'no other name is free: skipped');
  }

  /** Children before parents: making a link changes its directory's time. */
  async #finishDirectories(): Promise<void> {
    for (const directory of this.#directories.toReversed()) {
      await this.#pace.turn();
      host.finishDirectory(
        hostPath(this.#base, directory.place),
        directory,
        this.#reportFor(directory.place),
      );
    }
  }

  #reportFor(place: Place): Report {
    return (code, message) => this.#findings.add(code, () => imagePath(place), message);
  }
}

const ignore: Report = () => undefined;
