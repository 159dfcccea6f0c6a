/** Clusters of a page: 4 KiB of bits. */
const perPage = 32 * 1024;

/** A set of cluster numbers that takes a bit for each cluster near one that is in it, and none for the others. */
export class ClusterSet {
  readonly #pages = new Map<number, Uint8Array>();

  /** Adds a cluster; false where it was there. */
  add(cluster: number): boolean {
    const index = Math.floor(cluster / perPage);
    let page = this.#pages.get(index);
    if (page === undefined) this.#pages.set(index, (page = new Uint8Array(perPage / 8)));
    const at = (cluster % perPage) >> 3;
    const bit = 1 << (cluster & 7);
    const byte = page[at] ?? 0;
    page[at] = byte | bit;
    return (byte & bit) === 0;
  }
}
