import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { PreparedAppliance } from '../../../src/instance/prepare.js';
import type { InstanceSpec } from '../../../src/instance/instance-spec.js';
import { runInstance } from '../../../src/instance/run.js';
import type { StartWish } from '../../../src/instance/start.js';
import { Templates } from '../../../src/instance/template/templates.js';
import type { InstanceEvent } from '../../../src/model/instance-event.js';
import { templatesFolder } from '../../../src/system/paths.js';
import { type TestHome, fakeVmm, makeTestHome, prepareSquare } from '../../support/fake-appliance.js';
import { TemplateDriver } from '../../support/template-driver.js';

export let home: TestHome;
export let prepared: PreparedAppliance;
/** What people are told of templates. */
export let said: string[];

/** Each test of a file has a home of its own, and an appliance there whose guests can be woken. */
export function useHomes(): void {
  beforeEach(makeHome);
  afterEach(() => home[Symbol.asyncDispose]());
}

async function makeHome(): Promise<void> {
  home = await makeTestHome();
  const made = await prepareSquare(home);
  if (made.machine.kind === 'plain') throw new TypeError('not of the contract');
  // Every template is read whole: little memory, little time.
  const appliance = { ...made.appliance, hardware: { cpus: 1, memory: 4 << 20 } };
  prepared = { ...made, appliance, machine: { ...made.machine, base: { ...made.machine.base, wake: true } } };
  said = [];
}

export function forget(): void {
  said = [];
}

/** As another process would have it: what this one knows is in nobody's memory. */
export const newProcess = () => new Templates((text) => said.push(text));

export interface Run extends Partial<StartWish> {
  readonly spec?: Partial<InstanceSpec>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: InstanceEvent) => void;
}

let runs = 0;
/** A folder for results that no earlier run has had. */
export const newOut = (): string => join(home.folder, `out-${++runs}`);

export async function run(driver: TemplateDriver, { spec, signal, onEvent, ...wish }: Run = {}) {
  const out = newOut();
  const limits = { boot: 600, total: undefined, powerOff: 600 };
  const start: StartWish = { choice: 'auto', make: 'never', templates: newProcess(), ...wish };
  const work = { prepared, parameters: { n: 3, mode: 'fast' }, files: [], out, limits };
  const flags = { force: false, keep: 'files' as const, keepDisks: false, start, ...spec };
  const result = await runInstance(
    { id: 'square-1', ...work, ...flags },
    fakeVmm(undefined, driver),
    onEvent ?? (() => undefined),
    signal ?? new AbortController().signal,
  );
  expect(await readdir(home.scratch)).toEqual([]);
  return result;
}

export const templates = async () =>
  (await readdir(templatesFolder()).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name));
export const fileOf = async (name: string) => join(templatesFolder(), (await templates())[0] ?? '', name);

/** The appliance of the next runs has a part that is done once. */
export function warmUp(): void {
  prepared = { ...prepared, appliance: { ...prepared.appliance, warm: 'after-before' } };
}
