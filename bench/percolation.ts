/**
 * A picture of site percolation, as PPM (P6): closed sites dark, the largest cluster light, all others in between.
 *
 * @param share of sites that are open
 * @param random a number from 0 to 1 for each site
 */
export function percolate(size: number, share: number, random: (site: number) => number): Buffer {
  const open = Array.from({ length: size * size }, (_, site) => random(site) < share);
  const cluster = new Int32Array(size * size).fill(-1);
  const sizes: number[] = [];
  for (let site = 0; site < open.length; site++) {
    if (!open[site] || cluster[site] !== -1) continue;
    sizes.push(fill(site, sizes.length, open, cluster, size));
  }
  const largest = sizes.indexOf(Math.max(0, ...sizes));
  const pixels = Buffer.alloc(size * size * 3);
  for (let site = 0; site < open.length; site++) {
    const part = cluster[site] ?? -1;
    const colour = part < 0 ? [20, 28, 38] : part === largest ? [252, 196, 84] : [52, 110, 138];
    pixels.set(colour, site * 3);
  }
  return Buffer.concat([Buffer.from(`P6\n${size} ${size}\n255\n`), pixels]);
}

/** @returns number of sites of the cluster */
function fill(start: number, name: number, open: boolean[], cluster: Int32Array, size: number): number {
  const stack = [start];
  cluster[start] = name;
  let count = 0;
  for (let site = stack.pop(); site !== undefined; site = stack.pop()) {
    count++;
    const column = site % size;
    const around = [site - size, site + size, column > 0 ? site - 1 : -1, column < size - 1 ? site + 1 : -1];
    for (const next of around)
      if (open[next] === true && cluster[next] === -1) {
        cluster[next] = name;
        stack.push(next);
      }
  }
  return count;
}
