import { mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseByHistory } from '../../../src/instance/history/choose-by-history.js';
import { pastRuns, rememberRun } from '../../../src/instance/history/past-runs.js';
import type { InstanceResult } from '../../../src/model/result.js';
import { historyFile, historyFolder } from '../../../src/system/paths.js';
import type { ChosenVmm } from '../../../src/vmm/choose.js';
import type { Probe } from '../../../src/vmm/driver.js';
import { FakeDriver } from '../../../src/vmm/fake/driver.js';
import { type TestHome, makeTestHome, prepareSquare } from '../../support/fake-appliance.js';
import { leaveBeside } from '../../support/left-over.js';
import { TemplateDriver } from '../../support/template-driver.js';

let home: TestHome;
beforeEach(async () => {
  home = await makeTestHome();
});
afterEach(() => home[Symbol.asyncDispose]());

let digests = 0;
const newDigest = () => (++digests).toString(16).padStart(64, '0');

function result(digest: string, scripts: number, change: object = {}): InstanceResult {
  const times = { scriptsStarted: 1, scriptsEnded: 1 + scripts, collected: 2 + scripts };
  const vmm = { name: 'uml', version: '6', accelerator: 'native' };
  return { appliance: { digest }, vmm, start: 'cold', state: 'done', times, ...change } as InstanceResult;
}

const leave = async (digest: string, text: string) => {
  await mkdir(historyFolder(), { recursive: true });
  await writeFile(historyFile(digest), text);
};

describe('what is remembered of runs', () => {
  it('is how long they took, by appliance, VMM and start', async () => {
    const [one, two] = [newDigest(), newDigest()];
    await rememberRun(result(one, 5));
    await rememberRun(result(one, 7, { vmm: { name: 'qemu', accelerator: 'tcg' }, start: 'warm' }));
    await rememberRun(result(two, 9));
    expect(await pastRuns(one)).toEqual([
      { vmm: 'uml', accelerator: 'native', start: 'cold', script: 5, overhead: 2 },
      { vmm: 'qemu', accelerator: 'tcg', start: 'warm', script: 7, overhead: 2 },
    ]);
    expect(await pastRuns(two)).toHaveLength(1);
  });

  it('has nothing beside it that killed processes left', async () => {
    const digest = newDigest();
    const folder = historyFolder();
    await mkdir(folder, { recursive: true });
    leaveBeside(historyFile(digest));
    expect(await readdir(folder)).toHaveLength(1);
    await rememberRun(result(digest, 5));
    expect(await readdir(folder)).toEqual([basename(historyFile(digest))]);
  });

  it('is nothing of those that were not done, or have no script', async () => {
    const digest = newDigest();
    await rememberRun(result(digest, 5, { state: 'failed' }));
    await rememberRun(result(digest, 5, { times: { scriptsStarted: null } }));
    expect(await pastRuns(digest)).toEqual([]);
    expect(await readdir(home.folder)).not.toContain('cache');
  });

  it('is the last eight of each kind, of which one process adds three', async () => {
    const digest = newDigest();
    const old = { vmm: 'uml', accelerator: 'native', start: 'cold', script: 1, overhead: 1 };
    await leave(digest, JSON.stringify({ format: 'gva-history/1', runs: Array<object>(8).fill(old) }));
    for (const seconds of [2, 3, 4, 5]) await rememberRun(result(digest, seconds));
    expect((await pastRuns(digest)).map(({ script }) => script)).toEqual([1, 1, 1, 1, 1, 2, 3, 4]);
  });

  it('stays whole where many write at once', async () => {
    const digest = newDigest();
    const kinds = ['a', 'b', 'c', 'd', 'e', 'f'];
    await Promise.all(
      kinds.map((name) => rememberRun(result(digest, 1, { vmm: { name, accelerator: 'x' } }))),
    );
    expect((await pastRuns(digest)).length).toBeGreaterThan(0);
    expect(await readdir(historyFolder())).toEqual([`${digest}.json`]);
  });

  it.each([
    ['no JSON', 'run'],
    ['another format', '{"format":"gva-history/2","runs":[{}]}'],
    ['no list', '{"format":"gva-history/1","runs":7}'],
    ['null', 'null'],
    ['a huge file', ' '.repeat(70_000)],
    [
      'runs that are none',
      JSON.stringify({
        format: 'gva-history/1',
        runs: [
          ...[null, 7, {}, { vmm: 'uml', accelerator: 'native', start: 'cold', script: -1, overhead: 1 }],
          { vmm: '\u001b[2J', accelerator: 'native', start: 'cold', script: 1, overhead: 1 },
          { vmm: 'uml', accelerator: 'native', start: 'cold', script: '1', overhead: 1 },
          { vmm: 'uml', accelerator: 'native', start: 'hot', script: 1, overhead: 1 },
        ],
      }),
    ],
  ])('is nothing where the file has %s, and the next run is remembered', async (_, text) => {
    const digest = newDigest();
    await leave(digest, text);
    expect(await pastRuns(digest)).toEqual([]);
    await rememberRun(result(digest, 1));
    expect(await pastRuns(digest)).toHaveLength(1);
  });

  it('is no more than of a thousand appliances', async () => {
    await mkdir(historyFolder(), { recursive: true });
    for (let n = 0; n < 1000; n++) {
      await writeFile(join(historyFolder(), `${n}.json`), '{}');
      if (n === 999) await utimes(join(historyFolder(), '999.json'), 1, 1);
    }
    await rememberRun(result(newDigest(), 1));
    const left = await readdir(historyFolder());
    expect(left).toHaveLength(501);
    expect(left).not.toContain('999.json');
  });
});

describe('--vmm auto', () => {
  it('takes a warm start for an appliance whose runs are short', async () => {
    const made = await prepareSquare(home);
    if (made.machine.kind === 'plain') throw new TypeError('not of the contract');
    const base = { ...made.machine.base, wake: true };
    const prepared = { ...made, machine: { ...made.machine, base } };
    const native: Probe = { available: true, version: '6', accelerator: 'native' };
    const chosen: ChosenVmm = { driver: new FakeDriver(), probe: native };
    const qemu = new TemplateDriver();
    qemu.probe = () => Promise.resolve({ available: true, version: '7', accelerator: 'tcg' });
    const choose = async (instances: number, start: 'auto' | 'cold' = 'auto') => {
      const wish = { chosen, drivers: new Map([['qemu', qemu]]), start, instances };
      return (await chooseByHistory(prepared, wish)).probe.accelerator;
    };
    expect(await choose(1000)).toBe('native');
    await rememberRun(result(prepared.digest, 0.01));
    expect(JSON.parse(await readFile(historyFile(prepared.digest), 'utf8'))).toMatchObject({ runs: [{}] });
    expect(await choose(1000)).toBe('tcg');
    expect(await choose(1000, 'cold')).toBe('native');
    // One instance makes no template.
    expect(await choose(1)).toBe('native');
  });
});
