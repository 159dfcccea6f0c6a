/** Consecutive blocks of a file that lie consecutively in the image. What no run covers reads as zeros. */
export interface Run {
  /** First block within the file. */
  logical: number;
  /** First block within the image. */
  physical: number;
  count: number;
}

/** Blocks of mapping metadata that one file may have: 4 TiB of the least dense kind. More are a hostile file's. */
const MAX_NODES = 1_000_000;

/** Notes a block of mapping metadata; false where the file has used it before, or has too many. */
export function claimNode(visited: Set<number>, block: number): boolean {
  if (visited.has(block) || visited.size >= MAX_NODES) return false;
  visited.add(block);
  return true;
}
