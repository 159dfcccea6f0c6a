import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { prepareAppliance } from '../../src/instance/prepare.js';
import type { SweepEvent } from '../../src/model/sweep.js';
import { type Plan, readPlan } from '../../src/sweep/plan/plan.js';
import { type SweepSpec, runSweep } from '../../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../src/sweep/schedule/retry-policy.js';
import { guestScript } from '../../src/vmm/fake/driver.js';
import { CountingDriver } from '../support/counting-driver.js';
import {
  fakeBase,
  fakeVmm,
  makeTestHome,
  squareManifest,
  writeAppliance,
} from '../support/fake-appliance.js';

/** Shell of a guest: the value of n, from the parameter disc. */
export const readN = `n=$(grep -ao "n='[0-9]*'" "$GVA_FAKE_CDROM" | head -n 1 | tr -dc 0-9)\n`;
export const started = guestScript(['boot t=0.01', 'ready t=0.01', 'script-start t=0.02 name=50-autorun']);
export const endedWith = (status: string) =>
  `echo "@gva1 script-end t=0.03 name=50-autorun status=${status} free=500" >&4; echo "@gva1 done t=0.04" >&4\n`;

/** Shell: runs the commands in a folder, whose content becomes that of the output disk. */
export const leaving = (commands: string) =>
  `(d=$(mktemp -d) && cd "$d" && { ${commands}\n} && PATH=$PATH:/usr/sbin:/sbin && ` +
  `mke2fs -q -F -t ext4 -O ^has_journal -L GVA-OUT -d "$d" "$GVA_FAKE_OUTPUT" && rm -r "$d")\n`;

export interface Run extends Partial<SweepSpec> {
  readonly plan?: Plan;
  readonly driver?: CountingDriver;
  readonly onEvent?: (event: SweepEvent) => void;
  readonly signal?: AbortSignal;
  readonly finish?: AbortSignal;
}

/** A folder with the appliance `square`, in which sweeps are run by a fake VMM. */
export class SweepHome implements AsyncDisposable {
  readonly folder: string;
  readonly scratch: string;
  /** Of the sweep. */
  readonly out: string;
  readonly #dispose: () => PromiseLike<void>;

  private constructor(home: Awaited<ReturnType<typeof makeTestHome>>) {
    this.folder = home.folder;
    this.scratch = home.scratch;
    this.out = join(home.folder, 'out');
    this.#dispose = () => home[Symbol.asyncDispose]();
  }

  static async make(): Promise<SweepHome> {
    const home = new SweepHome(await makeTestHome());
    await writeAppliance(home.folder, squareManifest);
    return home;
  }

  /** @param rest entries of the plan beside parameters */
  async plan(parameters: string, rest = ''): Promise<Plan> {
    const file = join(this.folder, 'plan.yaml');
    await writeFile(file, `appliance: ./square\nparameters:\n${parameters}${rest}`);
    return readPlan(file);
  }

  /** @returns `ran`: numbers of the points that were run; `order`: in the order in which they were begun */
  async sweep(options: Run = {}) {
    const { driver = new CountingDriver(), onEvent = () => undefined, signal, finish, ...rest } = options;
    const plan = options.plan ?? (await this.plan('  n: { range: [1, 4] }\n'));
    if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
    const prepared = await prepareAppliance(plan.source, fakeBase());
    const limits = { boot: 600, total: undefined, powerOff: 600 };
    const retry = { ...defaultRetryLimits, attempts: 1 };
    const flags = { force: false, keep: 'files', keepDisks: false, shared: false } as const;
    const common = {
      plan,
      prepared,
      name: 'test',
      out: this.out,
      jobs: 2,
      limits,
      retry,
      stop: {},
      ...flags,
    };
    const never = new AbortController().signal;
    const signals = { finish: finish ?? never, abort: signal ?? never };
    const summary = await runSweep({ ...common, ...rest }, fakeVmm(undefined, driver), onEvent, signals);
    expect(await readdir(this.scratch)).toEqual([]);
    const order = driver.ids.map((id) => Number(id.split('-').at(-1)));
    return { summary, driver, order, ran: [...order].sort((a, b) => a - b) };
  }

  /** Of the table, the header with them. */
  async rows(): Promise<string[]> {
    return (await readFile(join(this.out, 'results.csv'), 'utf8')).trimEnd().split('\r\n');
  }

  /** `n`, mode, state, cause and status of each row. */
  async shortRows(): Promise<string[]> {
    return (await this.rows()).slice(1).map((row) => row.split(',').slice(1, 6).join(','));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
  }
}
