import { existsSync, readdirSync, realpathSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { extractTree } from '../../src/disk/extract.js';
import { Findings } from '../../src/disk/findings.js';
import { listTree } from '../../src/disk/list.js';
import type { BlockSource } from '../../src/disk/source.js';
import type { FileTree } from '../../src/disk/tree.js';
import { GvaError } from '../../src/system/errors.js';
import { MemorySource } from './ext4-fixture.js';
import { watched } from './fuzz-watch.js';

/** A kind of image, and the ways in which it is damaged. */
export interface FuzzTarget {
  images: readonly Buffer[];
  open: (source: BlockSource) => Promise<FileTree>;
  /** One change, in place. */
  change: (bytes: Buffer, random: Random) => void;
}

export interface FuzzOptions extends FuzzTarget {
  runs: number;
  /** Run n of a seed is the first run of seed + n: a failure is repeated with one run. */
  seed: number;
  /** An existing directory, empty, in which the target is made. */
  folder: string;
}

export interface FuzzSummary {
  /** Images that could not be opened at all. */
  refused: number;
  extracted: number;
  truncated: number;
  findings: number;
  /** How often each code was found. */
  codes: Record<string, number>;
  /** Paths of the host that were opened, made, changed or looked at. */
  paths: number;
  /** The longest run, milliseconds. */
  slowest: number;
}

const LIMITS = { maxBytes: 4 << 20, maxFiles: 1000, maxFileSize: 1 << 30, maxDepth: 20, timeMs: 2000 };

/**
 * Extracts images with random damage. Throws, naming the seed, on any error that is no GvaError, on a run that
 * exceeds its time, and on anything in or beside the target that must not be there.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzSummary> {
  const summary: FuzzSummary = {
    ...{ refused: 0, extracted: 0, truncated: 0, findings: 0 },
    ...{ codes: {}, paths: 0, slowest: 0 },
  };
  for (let run = 0; run < options.runs; run += 1) {
    const seed = options.seed + run;
    const random = new Random(seed);
    const image = mutate(random.pick(options.images), options, random);
    const start = performance.now();
    try {
      await fuzzOne(image, options, summary);
    } catch (error) {
      throw new Error(`GVA_FUZZ_SEED=${seed} GVA_FUZZ_RUNS=1 fails`, { cause: error });
    }
    const time = performance.now() - start;
    if (time > LIMITS.timeMs * 2 + 1000)
      throw new Error(`GVA_FUZZ_SEED=${seed} GVA_FUZZ_RUNS=1 takes ${time} ms`);
    summary.slowest = Math.max(summary.slowest, time);
  }
  return summary;
}

async function fuzzOne(image: Buffer, { folder, open }: FuzzOptions, summary: FuzzSummary): Promise<void> {
  const target = join(folder, 'target');
  watched.begin(target);
  try {
    const tree = await open(new MemorySource(image));
    const report = await extractTree(tree, target, LIMITS);
    summary.extracted += 1;
    summary.truncated += report.truncated ? 1 : 0;
    summary.findings += report.findingCount;
    for (const { code } of report.findings) summary.codes[code] = (summary.codes[code] ?? 0) + 1;
    if (report.bytes > LIMITS.maxBytes) throw new Error(`${report.bytes} bytes`);
    const listed = listTree(tree, new Findings(), { maxEntries: LIMITS.maxFiles, timeMs: LIMITS.timeMs });
    while (!(await listed.next()).done);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    summary.refused += 1;
  }
  summary.paths += watched.end();
  checkFolder(folder);
  if (existsSync(target)) remove(Buffer.from(target));
}

/** `rmSync` takes four times as long as the extraction. */
function remove(path: Buffer): void {
  for (const entry of readdirSync(path, { encoding: 'buffer', withFileTypes: true })) {
    const child = Buffer.concat([path, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) remove(child);
    else unlinkSync(child);
  }
  rmdirSync(path);
}

function checkFolder(folder: string): void {
  const beside = readdirSync(folder).filter((name) => name !== 'target');
  if (beside.length > 0) throw new Error(`outside the target: ${beside.join()}`);
  let count = 0;
  const top = realpathSync(folder);
  const visit = (path: Buffer): void => {
    for (const entry of readdirSync(path, { encoding: 'buffer', withFileTypes: true })) {
      const child = Buffer.concat([path, Buffer.from('/'), entry.name]);
      count += 1;
      if (entry.isDirectory()) visit(child);
      else if (entry.isSymbolicLink()) checkLink(child, join(top, 'target'));
      else if (!entry.isFile()) throw new Error(`a special file: ${child.toString()}`);
    }
  };
  if (readdirSync(folder).length > 0) visit(Buffer.from(join(folder, 'target')));
  if (count > LIMITS.maxFiles) throw new Error(`${count} files`);
}

function checkLink(path: Buffer, top: string): void {
  let resolved: string;
  try {
    resolved = realpathSync(path);
  } catch {
    return; // leads to nothing, or in circles
  }
  if (!`${resolved}/`.startsWith(`${top}/`)) throw new Error(`${path.toString()} leads to ${resolved}`);
}

export const EVIL_NUMBERS = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
];
export const EVIL_NAMES = ['../x', '..', '.', '/etc', 'a\0b', '\xff\xfe', 'a/b', '../../..'];

/** A copy with one to twelve changes, most of them where the image is not empty: there its structures are. */
function mutate(image: Buffer, { change }: FuzzTarget, random: Random): Buffer {
  const bytes = Buffer.from(image);
  for (let changes = random.below(12) + 1; changes > 0; changes -= 1) change(bytes, random);
  return random.below(30) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

export function changeAnywhere(bytes: Buffer, random: Random): void {
  const at = usedPlace(bytes, random);
  switch (random.below(6)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8);
      break;
    case 1:
      bytes[at] = random.below(256);
      break;
    case 2:
      bytes.writeUInt16LE(random.pick(EVIL_NUMBERS) & 0xffff, at & ~1);
      break;
    case 3:
      bytes.writeUInt32LE(random.number(), at & ~3);
      break;
    case 4: {
      const size = random.pick([4, 12, 64, 128, 256, 1024]); // an entry, an extent, an inode, a block
      const from = usedPlace(bytes, random);
      bytes.copy(bytes, at - (at % size), from - (from % size), from - (from % size) + size);
      break;
    }
    default:
      bytes.fill(random.pick([0, 0xff]), at, at + random.pick([1, 4, 16, 256]));
  }
}

/** A place that is not empty: there are an image's structures. */
export function usedPlace(bytes: Buffer, random: Random): number {
  let at = 0;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    // Half of the time in the first 64 KiB: superblock, groups, inodes.
    at = 1024 + random.below(random.below(2) === 0 ? 65_536 : bytes.length - 2048);
    if (bytes[at] !== 0) break;
  }
  return at;
}

/** Mulberry32: a small generator of numbers that are the same everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = this.#state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** One of those that end a range, or one that could be a block, an inode or a length of the image. */
  number(): number {
    return this.below(2) === 0 ? this.pick(EVIL_NUMBERS) : this.below(1024);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}
