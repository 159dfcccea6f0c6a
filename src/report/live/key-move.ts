import type { Grid } from './grid.js';

/** The point that a key moves to; undefined for other keys. */
export function keyMove(
  key: string,
  point: number,
  count: number,
  { columns, share }: Pick<Grid, 'columns' | 'share'>,
): number | undefined {
  const row = columns * share;
  const moves: Readonly<Record<string, number>> = {
    ...{ ArrowLeft: -share, ArrowRight: share, ArrowUp: -row, ArrowDown: row },
    ...{ PageUp: -10 * row, PageDown: 10 * row, Home: -count, End: count },
  };
  const move = Object.hasOwn(moves, key) ? moves[key] : undefined;
  if (move === undefined) return undefined;
  const last = count - 1 - ((count - 1) % share);
  const next = point + move;
  // Up and down keep their column; beyond the ends nothing moves.
  if (Math.abs(move) === row && (next < 0 || next > last)) return point;
  return Math.min(last, Math.max(0, next));
}
