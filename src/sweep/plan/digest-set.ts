/** Bytes of a digest. */
const size = 16;
/** Words of 32 bits in one. */
const words = size / 4;

/**
 * A set of digests of 16 bytes, in one piece of memory: 21 to 43 bytes for each. The digests are spread evenly by
 * themselves, so that their first word says where to look (open addressing, linear probing).
 */
export class DigestSet {
  #table = new Uint32Array(1024 * words);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /**
   * Whether the digest, of which the first 16 bytes count, was not in the set before. One of zeros alone is never new.
   */
  add(digest: Buffer): boolean {
    if (this.#count * 4 >= (this.#table.length / words) * 3) this.#grow();
    const [a, b] = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
    const added = insert(this.#table, a, b, digest.readUInt32LE(8), digest.readUInt32LE(12));
    if (added) this.#count++;
    return added;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += words) {
      const [a = 0, b = 0, c = 0, d = 0] = [old[at], old[at + 1], old[at + 2], old[at + 3]];
      if ((a | b | c | d) !== 0) insert(this.#table, a, b, c, d);
    }
  }
}

function insert(table: Uint32Array, a: number, b: number, c: number, d: number): boolean {
  // The number of places is a power of 2.
  const mask = table.length / words - 1;
  for (let place = a & mask; ; place = (place + 1) & mask) {
    const at = place * words;
    if (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d) return false;
    if (((table[at] ?? 0) | (table[at + 1] ?? 0) | (table[at + 2] ?? 0) | (table[at + 3] ?? 0)) !== 0)
      continue;
    [table[at], table[at + 1], table[at + 2], table[at + 3]] = [a, b, c, d];
    return true;
  }
}
