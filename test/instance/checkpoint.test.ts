import { existsSync } from 'node:fs';
import { appendFile, cp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckpointWish } from '../../src/instance/checkpoint/saving.js';
import type { PreparedAppliance } from '../../src/instance/prepare.js';
import { runInstance } from '../../src/instance/run.js';
import type { CheckpointManifest } from '../../src/model/checkpoint.js';
import type { InstanceEvent } from '../../src/model/instance-event.js';
import { guestScript } from '../../src/vmm/fake/driver.js';
import { CheckpointDriver } from '../support/checkpoint-driver.js';
import { type TestHome, fakeVmm, makeTestHome, prepareSquare } from '../support/fake-appliance.js';

let home: TestHome;
let prepared: PreparedAppliance;
let folder: string;
beforeEach(async () => {
  home = await makeTestHome();
  prepared = await prepareSquare(home);
  folder = join(home.folder, 'data/gva/checkpoints/square-1');
});
afterEach(() => home[Symbol.asyncDispose]());

const begun = guestScript(['boot t=1', 'ready t=1', 'script-start t=2 name=50-autorun']);
const ended = guestScript(['script-end t=7 name=50-autorun status=0 free=500', 'done t=8 scripts=1']);
/** A guest that says half a line, waits to be saved, and after that says the rest of it. */
const scripts = {
  begin: `${begun}printf '@gva1 prog' >&4\nsleep 100`,
  // It stays until it is ended: what a process has said that is gone before somebody reads is lost.
  goOn: `printf 'ress t=3 fraction=0.5\\n' >&4\n${ended}sleep 100`,
};

interface Run extends Partial<CheckpointWish> {
  readonly n?: number;
  readonly onEvent?: (event: InstanceEvent) => void;
}

async function run(driver: CheckpointDriver, { n = 3, onEvent = () => undefined, ...wish }: Run = {}) {
  const spec = {
    ...{
      id: 'square-1',
      prepared,
      parameters: { n, mode: 'fast' },
      files: [],
      out: join(home.folder, 'out'),
    },
    ...{ force: true, keep: 'files' as const, keepDisks: false },
    limits: { boot: 60, total: undefined, powerOff: 0.05 },
    checkpoints: { folder, ...wish },
  };
  const result = await runInstance(spec, fakeVmm('', driver), onEvent, new AbortController().signal);
  expect(await readdir(home.scratch)).toEqual([]);
  return result;
}

const manifest = async () =>
  JSON.parse(await readFile(join(folder, 'checkpoint.json'), 'utf8')) as CheckpointManifest;
const names = async () => (await readdir(folder)).sort();

/** Has an instance saved and ended as soon as its script runs. */
async function saveAndEnd(driver: CheckpointDriver, run_: Run = {}) {
  const leave = new AbortController();
  const onEvent = (event: InstanceEvent) => {
    if (event.event === 'guest' && event.name === 'script-start') leave.abort();
  };
  return run(driver, { leave: leave.signal, onEvent, ...run_ });
}

describe('an instance that is told to end', () => {
  test('is saved, publishes nothing, and goes on from there', async () => {
    const driver = new CheckpointDriver(scripts);
    const first = await saveAndEnd(driver);
    expect(first).toMatchObject({ state: 'cancelled', cause: 'checkpointed' });
    expect(existsSync(join(home.folder, 'out'))).toBe(false);
    expect((await manifest()).progress).toMatchObject({ unfinished: '@gva1 prog', scriptStartedAt: 2 });
    const events: string[] = [];
    const result = await run(driver, {
      resume: 'must',
      onEvent: (event) => events.push(event.event === 'guest' ? event.name : event.event),
    });
    expect(driver.resumed).toEqual(['a state']);
    expect(result).toMatchObject({ state: 'done', resumed: 1, startedAt: first.startedAt });
    expect(result.scripts).toEqual([{ name: '50-autorun', status: 0, seconds: 5 }]);
    // The line that was cut in two is one.
    expect(events).toEqual([
      ...['resumed', 'progress', 'script-end', 'done', 'powered-off', 'collected', 'ended'],
    ]);
    const told = (await readFile(join(home.folder, 'out/events.jsonl'), 'utf8')).trim().split('\n');
    const all = told.map((line) => (JSON.parse(line) as { event: string }).event);
    expect(all.slice(0, 2)).toEqual(['staged', 'guest']);
    expect(all.filter((name) => name === 'resumed')).toHaveLength(1);
    // Nothing is left to go on from.
    expect(existsSync(folder)).toBe(false);
  });

  test('and cannot be saved is ended all the same, and the checkpoint before stays', async () => {
    const driver = new CheckpointDriver(scripts);
    await saveAndEnd(driver);
    const before = await names();
    driver.failure = new Error('no room');
    const again = new CheckpointDriver({ ...scripts, goOn: `${begun}sleep 100` });
    again.failure = new Error('no room');
    const result = await saveAndEnd(again, { resume: 'must' });
    expect(result).toMatchObject({
      state: 'cancelled',
      message: expect.stringContaining('no room') as string,
    });
    expect(await names()).toEqual(before);
  });
});

test('checkpoints are taken from time to time, each in the place of the one before', async () => {
  const driver = new CheckpointDriver({
    ...scripts,
    begin: `${begun}while read -r _ <&4; do :; done\n${ended}`,
  });
  const numbers: number[] = [];
  const leave = new AbortController();
  const onEvent = (event: InstanceEvent) => {
    if (event.event === 'checkpointed' && numbers.push(1) === 3) leave.abort();
  };
  await run(driver, { every: 0.02, leave: leave.signal, onEvent });
  const last = await manifest();
  expect(last.number).toBeGreaterThanOrEqual(3);
  // Of the disks there are layers of all, of everything else the last only; and nothing that no manifest names.
  expect(await names()).toEqual([...Object.keys(last.files), 'checkpoint.json'].sort());
  expect(last.machine.disks.find(({ id }) => id === 'output')?.files.length).toBeGreaterThanOrEqual(3);
  expect(Object.keys(last.files).filter((name) => name.includes('state'))).toHaveLength(1);
});

test('what a killed process left half-made is neither taken nor kept', async () => {
  const driver = new CheckpointDriver(scripts);
  await saveAndEnd(driver);
  await writeFile(join(folder, '2-state.gz'), 'half');
  const again = new CheckpointDriver({ ...scripts, goOn: `${begun}sleep 100` });
  await saveAndEnd(again, { resume: 'must' });
  expect(again.resumed).toEqual(['a state']);
  const last = await manifest();
  expect(last.number).toBe(2);
  expect(await names()).toEqual([...Object.keys(last.files), 'checkpoint.json'].sort());
});

describe('a checkpoint is refused', () => {
  let driver: CheckpointDriver;
  beforeEach(async () => {
    driver = new CheckpointDriver(scripts);
    await saveAndEnd(driver);
  });

  const refusal = (message: RegExp) => ({
    code: 'CHECKPOINT_REFUSED',
    message: expect.stringMatching(message) as string,
  });

  test.each<[string, (file: string) => Promise<void>, RegExp]>([
    ['missing', (file) => rm(file), /its file 1-\S+ is missing/],
    ['cut short', (file) => truncate(file, 1), /its file 1-\S+ has 1 bytes instead of/],
    ['longer', (file) => appendFile(file, 'x'), /its file 1-\S+ has \d+ bytes instead of/],
  ])('when a file is %s', async (_, damage, message) => {
    const files = Object.keys((await manifest()).files).filter((name) => !name.endsWith('console.log'));
    await cp(folder, `${folder}-whole`, { recursive: true });
    for (const name of files) {
      await damage(join(folder, name));
      await expect(run(driver, { resume: 'must' }), name).rejects.toMatchObject(refusal(message));
      await rm(folder, { recursive: true });
      await cp(`${folder}-whole`, folder, { recursive: true });
    }
    expect(driver.resumed).toEqual([]);
  });

  test('when one byte is another', async () => {
    const file = join(folder, '1-output.qcow2');
    const bytes = await readFile(file);
    bytes[bytes.length - 100]! ^= 1;
    await writeFile(file, bytes);
    await expect(run(driver, { resume: 'must' })).rejects.toMatchObject(refusal(/1-output.qcow2 has other/));
  });

  test.each([
    ['no JSON', () => '{'],
    ['of a later version', (text: string) => text.replace('gva-checkpoint/1', 'gva-checkpoint/2')],
    ['naming a file elsewhere', (text: string) => text.replaceAll('1-state.gz', '../secret')],
  ])('when its manifest is %s', async (_, change) => {
    const file = join(folder, 'checkpoint.json');
    await writeFile(file, change(await readFile(file, 'utf8')));
    await expect(run(driver, { resume: 'must' })).rejects.toMatchObject(refusal(/checkpoint\.json/));
  });

  test('where the machine is of another kind, and all differences are told', async () => {
    driver.facts = { qemu: '2', processor: 'other' };
    await expect(run(driver, { resume: 'must' })).rejects.toMatchObject(
      refusal(/the version of QEMU is 2 here, and was 1; the model of the processor is other here/),
    );
    // It is still there for the machine that it is of.
    driver.facts = { qemu: '1' };
    expect(await run(driver, { resume: 'must' })).toMatchObject({ state: 'done', resumed: 1 });
  });

  test('for other parameters; where it only may go on, it begins anew and says why', async () => {
    const other = new CheckpointDriver({ ...scripts, begin: begun + ended });
    const result = await run(other, { resume: 'may', n: 4 });
    expect(result).toMatchObject({
      state: 'done',
      resumeReason: expect.stringMatching(/other parameters/) as string,
    });
    expect(result).not.toHaveProperty('resumed');
    expect(existsSync(folder)).toBe(false);
  });

  test('while its instance is being run', async () => {
    await writeFile(
      join(folder, '.lock-other'),
      JSON.stringify({ pid: 1, start: '0', realm: 'elsewhere', machine: 'elsewhere' }),
    );
    await expect(run(driver, { resume: 'must' })).rejects.toMatchObject({ code: 'CHECKPOINT_IN_USE' });
  });
});
