import { type LiveState, stateOfCode } from './states.js';

/** Where points are on a grid: in rows from the upper left, in the order of the plan. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** Pixels from one cell to the next. */
  readonly step: number;
  /** Pixels of a cell's side. */
  readonly side: number;
  /** Points that share a cell; 1 unless there are too many for the room. */
  readonly share: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels from cell to cell: no more, where few points have much room; no less, so that one can be seen. */
const steps = { most: 24, least: 2 };

/** The largest cells with which all points have room. @param mostHeight pixels */
export function layOutGrid(count: number, width: number, mostHeight: number): Grid {
  const room = Math.max(1, Math.floor(width));
  for (let step = steps.most; step > steps.least; step -= step > 8 ? 1 : 0.5) {
    const grid = gridOf(count, room, step, 1);
    if (grid.height <= mostHeight) return grid;
  }
  const cells = Math.floor(room / steps.least) * Math.floor(mostHeight / steps.least);
  return gridOf(count, room, steps.least, Math.max(1, Math.ceil(count / Math.max(1, cells))));
}

function gridOf(count: number, width: number, step: number, share: number): Grid {
  const columns = Math.max(1, Math.floor(width / step));
  const rows = Math.ceil(count / share / columns);
  const gap = step >= 12 ? 2 : step >= 5 ? 1 : step >= 3 ? 0.5 : 0;
  return { columns, rows, step, side: step - gap, share, width, height: Math.ceil(rows * step) };
}

/** The cell of a point, and its upper left corner. */
export function placeOf(
  { columns, step, share }: Grid,
  point: number,
): { readonly x: number; readonly y: number } {
  const cell = Math.floor(point / share);
  return { x: (cell % columns) * step, y: Math.floor(cell / columns) * step };
}

/** The first point of the cell that is there; undefined where there is none. */
export function pointAt(
  { columns, step, share }: Grid,
  count: number,
  x: number,
  y: number,
): number | undefined {
  const [column, row] = [Math.floor(x / step), Math.floor(y / step)];
  if (column < 0 || column >= columns || row < 0) return undefined;
  const point = (row * columns + column) * share;
  return point < count ? point : undefined;
}

/** What matters most comes first: one that failed among many that are done is seen. */
const weights: readonly LiveState[] = ['failed', 'lost', 'running', 'cancelled', 'pending', 'done'];

/** The state that a cell shows: of several points, the one that matters most. */
export function cellState(states: Uint8Array, first: number, share: number): LiveState {
  if (share === 1) return stateOfCode(states[first] ?? 0);
  let best = weights.length - 1;
  for (let point = first; point < Math.min(first + share, states.length); point++)
    best = Math.min(best, weights.indexOf(stateOfCode(states[point] ?? 0)));
  return weights[best] ?? 'done';
}

/** How many points are in each state. */
export function countStates(states: Uint8Array): Record<LiveState, number> {
  const counts = { pending: 0, running: 0, done: 0, failed: 0, lost: 0, cancelled: 0 };
  for (const code of states) counts[stateOfCode(code)]++;
  return counts;
}
