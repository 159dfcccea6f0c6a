import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyVmdkToRaw, openVmdk } from '../../src/disk/vmdk/index.js';
import { GvaError } from '../../src/system/errors.js';
import { MemorySource, scratch } from './ext4-fixture.js';
import { EVIL_NUMBERS, Random } from './fuzz.js';
import { byQemu, diskBytes, markersOf, vmdkOf } from './vmdk-fixture.js';

/** GVA_FUZZ_RUNS=20000 GVA_FUZZ_SEED=1 npx vitest run --project unit test/disk/vmdk-fuzz.test.ts */
const runs = Number(process.env['GVA_FUZZ_RUNS'] ?? (process.env['GVA_LONG'] ? 20_000 : 200));
const seed = Number(process.env['GVA_FUZZ_SEED'] ?? 1);

/** Bytes of a disk; milliseconds of a run, which takes some ten of them; bytes of memory beyond those at the beginning. */
const LIMITS = { maxCapacity: 64 << 20, time: 5000, memory: 400 << 20 };

/** A file, and where its structures are. */
interface Victim {
  bytes: Buffer;
  places: number[];
}

async function victims(folder: string): Promise<Victim[]> {
  const ours = (await vmdkOf(diskBytes())).bytes;
  const markers = markersOf(ours).map(({ at }) => at);
  const stream = readFileSync(byQemu(folder, diskBytes(), 'streamOptimized'));
  const sparse = readFileSync(byQemu(folder, diskBytes(), 'monolithicSparse', ['zeroed_grain=on']));
  return [
    { bytes: ours, places: [0, 512, ...markers, ours.length - 1024] },
    ...[stream, sparse].map((bytes) => ({ bytes, places: [0, 512, ...tablesOf(bytes)] })),
  ];
}

/** Of a file whose directory is not at its end: the directory, its first table, the first grain. */
function tablesOf(bytes: Buffer): number[] {
  const directory = Number(bytes.readBigUInt64LE(56)) * 512;
  const table = bytes.readUInt32LE(directory) * 512;
  return [directory, table, bytes.readUInt32LE(table) * 512];
}

/** A copy with one to six changes. */
function damaged({ bytes, places }: Victim, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let changes = random.below(6) + 1; changes > 0; changes--) {
    const anywhere = random.below(4) === 0;
    const place = anywhere ? random.below(copy.length) : random.pick(places) + random.below(random.pick([16, 80, 600])); // prettier-ignore
    change(copy, Math.min(place, copy.length - 8), random);
  }
  return random.below(20) === 0 ? copy.subarray(0, random.below(copy.length)) : copy;
}

function change(bytes: Buffer, at: number, random: Random): void {
  switch (random.below(6)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8);
      break;
    case 1:
      bytes.writeUInt32LE(random.pick(EVIL_NUMBERS), at & ~3);
      break;
    case 2:
      bytes.writeBigUInt64LE(BigInt(random.pick(EVIL_NUMBERS)) << BigInt(random.below(33)), at & ~3);
      break;
    case 3:
      bytes.writeUInt32LE(random.below(bytes.length / 512 + 2), at & ~3);
      break;
    case 4:
      bytes.write(
        random.pick(['RW 1 FLAT "/etc/passwd" 0\n', 'parentCID=0\n', '\0', 'SPARSE', '"', '=']),
        at,
      );
      break;
    default:
      bytes.copyWithin(at & ~3, random.below(bytes.length), random.below(bytes.length));
  }
}

/** What came of a file: a disk that can be read whole, or the code of an error. */
async function outcome(bytes: Buffer, target: string, random: Random): Promise<string> {
  try {
    const disk = await openVmdk(new MemorySource(bytes), LIMITS);
    const length = random.below(Math.min(disk.size, 300_000));
    const at = random.below(disk.size - length + 1);
    const part = await disk.read(at, length).catch(refusal);
    const { capacity } = await copyVmdkToRaw(new MemorySource(bytes), target, {
      ...LIMITS,
      digests: ['md5'],
    });
    const copy = readFileSync(target);
    expect([copy.length, capacity]).toEqual([disk.size, disk.size]);
    // What can be read whole can be read in part, and is the same.
    expect(copy.subarray(at, at + length).equals(part as Buffer)).toBe(true);
    rmSync(target);
    return 'read';
  } catch (error) {
    expect(existsSync(target)).toBe(false);
    return refusal(error).code;
  }
}

function refusal(error: unknown): GvaError {
  if (error instanceof GvaError) return error;
  throw error;
}

test(`${runs} damaged images: no crash, no hang, no bomb`, { timeout: 30_000 + runs * 100 }, async () => {
  const folder = scratch();
  const images = await victims(folder);
  const before = process.resourceUsage().maxRSS;
  const outcomes: Record<string, number> = {};
  for (let run = 0; run < runs; run++) {
    const random = new Random(seed + run);
    const bytes = damaged(random.pick(images), random);
    const start = performance.now();
    const code = await outcome(bytes, join(folder, 'copy'), random).catch((cause: unknown) => {
      throw new Error(`GVA_FUZZ_SEED=${seed + run} GVA_FUZZ_RUNS=1 fails`, { cause });
    });
    if (performance.now() - start > LIMITS.time)
      throw new Error(`GVA_FUZZ_SEED=${seed + run} takes too long`);
    outcomes[code] = (outcomes[code] ?? 0) + 1;
  }
  if (process.env['GVA_FUZZ_RUNS'] !== undefined) console.log(outcomes);
  expect((process.resourceUsage().maxRSS - before) * 1024).toBeLessThan(LIMITS.memory);
  expect(Object.keys(outcomes).every((code) => ['read', 'IMAGE_CORRUPT', 'IMAGE_UNSUPPORTED'].includes(code))).toBe(true); // prettier-ignore
  if (runs >= 200) for (const code of ['read', 'IMAGE_CORRUPT', 'IMAGE_UNSUPPORTED']) expect(outcomes[code]).toBeGreaterThan(runs / 30); // prettier-ignore
});
