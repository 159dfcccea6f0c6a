import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PoolOptions, WarmPool } from '../../../src/instance/pool/pool.js';
import type { PreparedAppliance } from '../../../src/instance/prepare.js';
import type { InstanceSpec } from '../../../src/instance/instance-spec.js';
import { runInstance } from '../../../src/instance/run.js';
import { Templates } from '../../../src/instance/template/templates.js';
import type { InstanceEvent } from '../../../src/model/instance-event.js';
import { ExitCode, GvaError } from '../../../src/system/errors.js';
import { doneScript, guestScript } from '../../../src/vmm/fake/driver.js';
import { type TestHome, fakeVmm, makeTestHome, prepareSquare } from '../../support/fake-appliance.js';
import { eventually } from '../../support/gva.js';
import { TemplateDriver, rehearsed, wakes } from '../../support/template-driver.js';

let home: TestHome;
let prepared: PreparedAppliance;
let driver: TemplateDriver;
let templates: Templates;
let said: string[];
beforeEach(async () => {
  home = await makeTestHome();
  const made = await prepareSquare(home);
  if (made.machine.kind === 'plain') throw new TypeError('not of the contract');
  const appliance = { ...made.appliance, hardware: { cpus: 1, memory: 4 << 20 } };
  prepared = { ...made, appliance, machine: { ...made.machine, base: { ...made.machine.base, wake: true } } };
  driver = new TemplateDriver();
  templates = new Templates(() => undefined);
  said = [];
});
afterEach(() => home[Symbol.asyncDispose]());

const newPool = (options: Partial<PoolOptions> = {}) =>
  new WarmPool({ say: (text) => said.push(text), ...options });

let runs = 0;
async function run(pool: WarmPool, spec: Partial<InstanceSpec> = {}, signal = new AbortController().signal) {
  const out = join(home.folder, `out-${++runs}`);
  const limits = { boot: 600, total: undefined, powerOff: 600 };
  const start = { choice: 'auto', make: 'unless-busy', templates, pool } as const;
  const work = { prepared, parameters: { n: runs, mode: 'fast' }, files: [], out, limits };
  const flags = { force: false, keep: 'files' as const, keepDisks: false, start };
  const events: InstanceEvent[] = [];
  const result = await runInstance(
    { id: `square-${runs}`, ...work, ...flags, ...spec },
    fakeVmm(undefined, driver),
    (event) => events.push(event),
    signal,
  );
  return { result, events, out };
}

const waits = (pool: WarmPool, count: number) => eventually(() => Promise.resolve(pool.waiting === count));
const fill = { most: 1, fill: true };

/** An instance that the pool learns from, and then so many machines that wait. */
async function begin(pool: WarmPool, size = fill): Promise<void> {
  pool.resize(size);
  await run(pool);
  await waits(pool, size.most);
}

describe('a machine of the pool', () => {
  it('is rehearsed, gets the media of an instance, and serves it alone', async () => {
    await using pool = newPool();
    await begin(pool);
    expect(driver.started).toEqual(['template', 'clone', 'member']);
    const { result, events } = await run(pool);
    expect(result).toMatchObject({ state: 'done', start: 'warm', pooled: true, scripts: [{ status: 0 }] });
    expect(result).not.toHaveProperty('startReason');
    expect(events[0]).toMatchObject({ event: 'staged', start: 'warm', pooled: true });
    // Nothing of the rehearsal is told as the instance's.
    expect(events.map((one) => (one.event === 'guest' ? one.name : one.event))).toEqual([
      ...['staged', 'wake', 'boot', 'ready', 'script-start', 'script-end', 'done'],
      ...['powered-off', 'collected', 'ended'],
    ]);
    await waits(pool, 1);
    expect((await run(pool)).result).toMatchObject({ pooled: true });
    const [first, second] = driver.exchanged;
    expect(driver.exchanged).toHaveLength(2);
    expect(first?.id).not.toBe(second?.id);
    expect(Object.keys(first?.images ?? {}).sort()).toEqual(['app', 'cdrom', 'output']);
    expect(first?.images['output']).not.toBe(second?.images['output']);
  });

  it('is told of its instance and nothing before: it is woken twice, each time as another', async () => {
    const lines = join(home.folder, 'lines');
    const hear = `read -r line <&4; echo "$line" >>${lines}; set -- $line
echo "@gva1 wake t=1 reseeded=1 clock=1 flushed=1 id=$5" >&4\n`;
    driver.scripts = { ...driver.scripts, member: hear + rehearsed + hear + doneScript };
    await using pool = newPool();
    await begin(pool);
    const { result } = await run(pool);
    const [rehearsal = [], real = []] = (await readFile(lines, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' '));
    expect(rehearsal[4]).toBe(driver.exchanged[0]?.id);
    expect(real[4]).toBe(result.instance);
    // Seed, id, host name, machine id, boot id.
    for (const word of [3, 4, 5, 6, 7]) expect(real[word]).not.toBe(rehearsal[word]);
    expect(real.slice(8)).toEqual(rehearsal.slice(8));
  });

  it('is not given to an instance of another shape', async () => {
    await using pool = newPool();
    await begin(pool);
    const appliance = { ...prepared.appliance, hardware: { cpus: 1, memory: 5 << 20 } };
    const { result } = await run(pool, { prepared: { ...prepared, appliance } });
    expect(result).toMatchObject({ state: 'done', start: 'warm' });
    expect(result).not.toHaveProperty('pooled');
    expect(pool.waiting).toBe(1);
  });

  it('that has died while it waited is replaced, and nothing is lost', async () => {
    await using pool = newPool();
    await begin(pool);
    const [[id, machine] = []] = driver.members;
    machine?.kill();
    await eventually(() => Promise.resolve(driver.members.size === 2 && pool.waiting === 1));
    expect((await run(pool)).result).toMatchObject({ state: 'done', pooled: true });
    expect(driver.exchanged.map((one) => one.id)).not.toContain(id);
  });

  it('that has waited for long goes, and no other comes until somebody has asked for one', async () => {
    await using pool = newPool({ mostAge: 0 });
    await begin(pool);
    pool.resize(fill);
    await eventually(async () => (await readdir(home.scratch)).length === 1);
    pool.resize(fill);
    expect(pool.machines).toBe(0);
    const { result } = await run(pool);
    expect(result).not.toHaveProperty('pooled');
    await waits(pool, 1);
  });
});

describe('an instance is started otherwise, and says why, where the machine of the pool', () => {
  it('gets no other disks', async () => {
    await using pool = newPool();
    await begin(pool);
    const { infrastructure: exitCode } = ExitCode;
    driver.exchangeError = new GvaError('VMM_EXCHANGE', 'QEMU refused it', { exitCode });
    const { result } = await run(pool);
    expect(result).toMatchObject({ state: 'done', start: 'warm', startReason: 'QEMU refused it' });
    expect(result).not.toHaveProperty('pooled');
  });

  it('does not confirm that it is another machine', async () => {
    const member = wakes() + rehearsed + wakes('reseeded=0 clock=1 flushed=1') + doneScript;
    driver.scripts = { ...driver.scripts, member };
    await using pool = newPool();
    await begin(pool);
    expect((await run(pool)).result).toMatchObject({
      ...{ state: 'done', start: 'warm' },
      startReason: expect.stringMatching(/random numbers are not its own/) as string,
    });
  });
});

describe('a pool', () => {
  it('is as large as it was told, and no larger', async () => {
    await using pool = newPool();
    await begin(pool, { most: 3, fill: true });
    expect(driver.started.filter((kind) => kind === 'member')).toHaveLength(3);
    pool.resize({ most: 2, fill: true });
    expect(pool.machines).toBe(2);
    pool.resize({ most: 3, fill: false });
    expect((await run(pool)).result).toMatchObject({ pooled: true });
    expect(pool.machines).toBe(1);
    expect(driver.started.filter((kind) => kind === 'member')).toHaveLength(3);
  });

  it('leaves nothing when it is told that nobody comes, also of a machine that is being made', async () => {
    driver.scripts = { ...driver.scripts, member: 'sleep 600' };
    await using pool = newPool();
    pool.resize(fill);
    await run(pool);
    await eventually(() => Promise.resolve(driver.members.size === 1));
    pool.resize({ most: 0, fill: false });
    await [...driver.members.values()][0]?.exited;
    await eventually(() => Promise.resolve(pool.machines === 0));
    await pool[Symbol.asyncDispose]();
    expect(await readdir(home.scratch)).toEqual([]);
    expect(said).toEqual([]);
  });

  it('leaves nothing at its end', async () => {
    const pool = newPool();
    await begin(pool, { most: 2, fill: true });
    await pool[Symbol.asyncDispose]();
    expect(await readdir(home.scratch)).toEqual([]);
    for (const machine of driver.members.values()) expect((await machine.exited).status).not.toBe(0);
  });

  it.each([
    ['power off after their rehearsal', wakes() + doneScript, /knows no rehearsals; build it again/],
    [
      'poll on after their rehearsal',
      `${wakes()}${guestScript(['idle t=1'])}sleep 600`,
      /knows no rehearsals; build it again/,
    ],
    ['end', 'exit 3', /ended with status 3/],
    ['say that something is wrong', wakes() + guestScript(['error t=1 message=odd']), /its guest says: odd/],
  ])('makes no more machines, and says so, when three in a row %s', async (_, member, reason) => {
    driver.scripts = { ...driver.scripts, member };
    await using pool = newPool();
    pool.resize(fill);
    await run(pool);
    await eventually(() => Promise.resolve(said.length > 0));
    expect(said).toEqual([expect.stringMatching(reason)]);
    expect(driver.members.size).toBe(3);
    const { result } = await run(pool);
    expect(result).toMatchObject({ state: 'done', start: 'warm' });
    expect(driver.members.size).toBe(3);
  });

  it('makes none where the VMM cannot exchange disks', async () => {
    Object.assign(driver, { capabilities: { ...driver.capabilities, exchange: false } });
    await using pool = newPool();
    pool.resize(fill);
    await run(pool);
    expect(pool.machines).toBe(0);
  });
});
