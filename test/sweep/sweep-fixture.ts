import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareAppliance } from '../../src/instance/prepare.js';
import type { SweepEvent } from '../../src/model/sweep.js';
import { type Plan, readPlan } from '../../src/sweep/plan/plan.js';
import { type SweepSpec, runSweep } from '../../src/sweep/run-sweep.js';
import { defaultRetryLimits } from '../../src/sweep/schedule/retry-policy.js';
import { guestScript } from '../../src/vmm/fake/driver.js';
import { CountingDriver } from '../support/counting-driver.js';
import { type TestHome, fakeBase, fakeVmm } from '../support/fake-appliance.js';

/** Shell: the value of n, from the parameter disc. */
export const readN = `n=$(grep -ao "n='[0-9]*'" "$GVA_FAKE_CDROM" | head -n 1 | tr -dc 0-9)\n`;
export const started = guestScript(['boot t=0.01', 'ready t=0.01', 'script-start t=0.02 name=50-autorun']);
export const endedWith = (status: string) =>
  `echo "@gva1 script-end t=0.03 name=50-autorun status=${status} free=500" >&4; echo "@gva1 done t=0.04" >&4\n`;

/** Shell: runs the commands in a folder, whose content becomes that of the output disk. */
export const leaving = (commands: string) =>
  `(d=$(mktemp -d) && cd "$d" && { ${commands}\n} && PATH=$PATH:/usr/sbin:/sbin && ` +
  `mke2fs -q -F -t ext4 -O ^has_journal -L GVA-OUT -d "$d" "$GVA_FAKE_OUTPUT" && rm -r "$d")\n`;

/** A fake that counts its machines. */
export interface FakeRun extends Partial<SweepSpec> {
  readonly driver?: CountingDriver;
  readonly onEvent?: (event: SweepEvent) => void;
  readonly signal?: AbortSignal;
  readonly finish?: AbortSignal;
}

export async function makePlan(home: TestHome, parameters: string, more = ''): Promise<Plan> {
  const file = join(home.folder, 'plan.yaml');
  await writeFile(file, `appliance: ./square\nparameters:\n${parameters}${more}`);
  return readPlan(file);
}

/** Runs a sweep in the folder `out` of the home: four points, where no plan is given. */
export async function runFakeSweep(home: TestHome, options: FakeRun = {}) {
  const { driver = new CountingDriver(), onEvent = () => undefined, signal, finish, ...rest } = options;
  const plan = options.plan ?? (await makePlan(home, '  n: { range: [1, 4] }\n'));
  if (plan.source.kind !== 'folder') throw new Error('the plan is of a folder');
  const prepared = await prepareAppliance(plan.source, fakeBase());
  const limits = { boot: 600, total: undefined, powerOff: 600 };
  const retry = { ...defaultRetryLimits, attempts: 1 };
  const flags = { force: false, keep: 'files', keepDisks: false, shared: false } as const;
  const work = { plan, prepared, name: 'test', out: join(home.folder, 'out'), jobs: 2, limits };
  const spec = { ...work, retry, stop: {}, ...flags, ...rest };
  const never = new AbortController().signal;
  const signals = { finish: finish ?? never, abort: signal ?? never };
  const summary = await runSweep(spec, fakeVmm(undefined, driver), onEvent, signals);
  return { summary, driver, ran: driver.ids.map((id) => Number(id.split('-').at(-1))).sort() };
}
