import { isSweepFolder } from '../../sweep/observe/find.js';
import { knownSweeps } from '../../sweep/observe/registry.js';
import { readStatus } from '../../sweep/observe/status.js';
import type { TextColumn } from './text-table.js';

interface SweepNow {
  readonly name: string;
  readonly folder: string;
  /** That of its status; `gone`: there is no such folder any more; `unknown`: it does not say. */
  readonly state: string;
  readonly done: number | null;
  readonly points: number | null;
}

/** How each sweep of the user stands. */
export async function sweepsNow(): Promise<SweepNow[]> {
  const known = await knownSweeps();
  return await Promise.all(
    known.map(async ({ name, folder }) => {
      const status = isSweepFolder(folder)
        ? await stateOf(folder)
        : { state: 'gone', done: null, points: null };
      return { name, folder, ...status };
    }),
  );
}

async function stateOf(folder: string): Promise<Pick<SweepNow, 'state' | 'done' | 'points'>> {
  const seen = await readStatus(folder).catch(() => undefined);
  if (!seen) return { state: 'unknown', done: null, points: null };
  const { state, counts, points } = seen.status;
  return { state, done: counts.done, points };
}

export function sweepColumns(sweeps: readonly SweepNow[]): TextColumn[] {
  const number = (value: number | null) => (value === null ? '' : String(value));
  return [
    { title: 'name', cells: sweeps.map(({ name }) => name) },
    { title: 'state', cells: sweeps.map(({ state }) => state) },
    { title: 'done', cells: sweeps.map(({ done }) => number(done)), right: true },
    { title: 'points', cells: sweeps.map(({ points }) => number(points)), right: true },
    { title: 'folder', cells: sweeps.map(({ folder }) => folder), wide: true },
  ];
}
