import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GridCoordinator } from '../../src/grid/coordinator.js';
import { foldSweep } from '../../src/grid/fold.js';
import type { GridSettings } from '../../src/grid/settings.js';
import { prepareAppliance } from '../../src/instance/prepare.js';
import type { SweepEvent } from '../../src/model/sweep.js';
import type { SweepStatus } from '../../src/model/sweep-status.js';
import { parseSweepManifest } from '../../src/sweep/manifest.js';
import type { Plan } from '../../src/sweep/plan/plan.js';
import { type SweepSpec, conductSweep } from '../../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../src/sweep/schedule/retry-policy.js';
import { SweepStore } from '../../src/sweep/store/store.js';
import { pointFolder } from '../../src/system/paths.js';
import { fakeBase } from '../support/fake-appliance.js';
import { SweepHome } from '../sweep/sweep-home.js';
import type { ScriptedGrid } from './scripted-grid.js';

export interface GridRun extends Partial<Omit<SweepSpec, 'retry'>> {
  readonly settings?: Partial<GridSettings>;
  readonly retry?: Partial<SweepSpec['retry']>;
  readonly onEvent?: (event: SweepEvent, coordinator: GridCoordinator) => void;
  readonly finish?: AbortSignal;
  readonly abort?: AbortSignal;
}

/** A folder in which sweeps are run by a grid that a test plays. */
export class GridHome implements AsyncDisposable {
  readonly home: SweepHome;
  /** Of the last run. */
  events: SweepEvent[] = [];

  private constructor(home: SweepHome) {
    this.home = home;
  }

  static async make(): Promise<GridHome> {
    return new GridHome(await SweepHome.make());
  }

  get out(): string {
    return this.home.out;
  }

  plan(points: number, rest = ''): Promise<Plan> {
    return this.home.plan(`  n: { range: [1, ${points}] }\n`, rest);
  }

  /** Points that the sweep has had are taken up again. */
  async sweep(grid: ScriptedGrid, plan: Plan, options: GridRun = {}) {
    const { settings, retry, onEvent, finish, abort, ...rest } = options;
    if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
    const prepared = await prepareAppliance(plan.source, fakeBase());
    const flags = { force: false, keep: 'files', keepDisks: false, shared: false } as const;
    const spec: SweepSpec = {
      ...{ plan, prepared, name: 'test', out: this.out, jobs: undefined, stop: {}, ...flags },
      limits: { boot: 600, total: undefined, powerOff: 600 },
      retry: { ...defaultRetryLimits, ...retry },
      ...rest,
    };
    this.events = [];
    const never = new AbortController().signal;
    let coordinator: GridCoordinator | undefined;
    return await conductSweep(
      spec,
      {
        vmm: { name: 'fake', version: '', accelerator: 'grid' },
        conduct: async (parts, signals) =>
          (coordinator = await GridCoordinator.start(parts, gridSettings(grid, settings), signals)),
      },
      (event) => {
        this.events.push(event);
        if (coordinator) onEvent?.(event, coordinator);
      },
      { finish: finish ?? never, abort: abort ?? never },
    );
  }

  async fold(grid: ScriptedGrid, plan: Plan | undefined, cancel?: readonly number[] | 'all') {
    const manifest = parseSweepManifest(await readFile(join(this.out, 'sweep.json'), 'utf8'));
    const pace = { interval: 0.005, patience: 0.02 };
    const wanted = cancel === undefined ? {} : { cancel };
    return await foldSweep(
      {
        ...{ folder: this.out, manifest: manifest!, engine: grid, points: plan?.points, shared: false },
        ...{ ...pace, ...wanted },
      },
      new AbortController().signal,
    );
  }

  async status(): Promise<SweepStatus> {
    return JSON.parse(await readFile(join(this.out, 'status.json'), 'utf8')) as SweepStatus;
  }

  /** Numbers of points by state. */
  states(): Record<string, number[]> {
    using store = SweepStore.open(join(this.out, 'store.db'), 1);
    const states: Record<string, number[]> = {};
    for (const { number, state } of store.works()) (states[state] ??= []).push(number);
    return states;
  }

  record(number: number) {
    using store = SweepStore.open(join(this.out, 'store.db'), 1);
    return store.get(number);
  }

  /** Which job's result stands at a point's place. */
  async resultOf(index: number): Promise<string> {
    const text = await readFile(join(pointFolder(this.out, index), 'result.json'), 'utf8');
    return (JSON.parse(text) as { note: string }).note;
  }

  /** Folders of chunks that may still have something to come. */
  async openChunks(): Promise<string[]> {
    const chunks = join(this.out, 'grid/chunks');
    const names = await readdir(chunks).catch(() => []);
    const open: string[] = [];
    for (const name of names.sort())
      if (!(await readdir(join(chunks, name))).includes('over')) open.push(name);
    return open;
  }

  eventsOf<E extends SweepEvent['event']>(kind: E): Extract<SweepEvent, { event: E }>[] {
    return this.events.filter((event): event is Extract<SweepEvent, { event: E }> => event.event === kind);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.home[Symbol.asyncDispose]();
  }
}

/** A pace for tests: nothing here decides a result by its time, but for what is given up. */
export function gridSettings(engine: ScriptedGrid, changes: Partial<GridSettings> = {}): GridSettings {
  return {
    ...{ engine, options: {}, work: 'work-00000000.json', name: 'test', leave: false, summary: undefined },
    command: (chunk) => ['/gva', chunk],
    ...{ time: undefined, atOnce: undefined, bundle: 2, growth: { memory: 1, time: 1 } },
    interval: { shortest: 0.002, longest: 0.01 },
    patience: 0.02,
    ...changes,
  };
}
