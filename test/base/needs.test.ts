import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { needsOf } from '../../src/base/needs.js';
import { findBase, loadBase } from '../../src/base/store.js';
import { prepareAppliance } from '../../src/instance/prepare.js';
import { publishTestBase } from '../support/bases.js';
import { CountingDriver } from '../support/counting-driver.js';
import { fakeBase, makeAppliance, makeTestHome } from '../support/fake-appliance.js';
import { gva } from '../support/gva.js';
import { SweepHome, endedWith, readN, started } from '../sweep/sweep-home.js';

// Who needs a base says so without being asked.

it('an appliance that is run, and a thin package, keep their base from being removed', async () => {
  await using home = await makeTestHome();
  const { digest } = await publishTestBase('one');
  const appliance = await makeAppliance(home.folder, 'name: square\nrun: ./job.sh\nbase: one\n');
  const removal = async () => {
    const { code, stderr } = await gva(['base', 'rm', 'one']);
    return { code, stderr };
  };
  await prepareAppliance(appliance, await loadBase('one'));
  const folder = join(home.folder, 'square/gva.yaml');
  const line = `one@${digest.slice(0, 16)} is needed by the`;
  expect(await removal()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`${line} appliance in ${folder}\n`) as string,
  });
  const thin = join(home.folder, 'thin.ova');
  expect((await gva(['pack', appliance.folder, '--thin', '--out', thin])).code).toBe(0);
  await rm(appliance.folder, { recursive: true });
  expect((await removal()).stderr).toContain(`${line} thin package ${thin}\n`);
  await rm(thin);
  // This very process has prepared an appliance with it.
  expect((await removal()).stderr).toContain(
    `:\none@${digest.slice(0, 16)} is in use by the process ${process.pid}\n`,
  );
  expect(await findBase('one')).toBeDefined();
});

it('a sweep needs its base as long as it has points to run', async () => {
  await using home = await SweepHome.make();
  const needs = async () => (await needsOf(fakeBase().digest)).map(({ kind }) => kind);
  const failsAtTwo = `${readN}${started}[ $n = 2 ] && status=1 || status=0\n${endedWith('$status')}`;
  const first = await home.sweep({ driver: new CountingDriver({ script: failsAtTwo }) });
  expect(first.summary.counts).toMatchObject({ done: 3, failed: 1 });
  expect(await needs()).toEqual(['sweep', 'appliance']);
  const second = await home.sweep();
  expect(second.summary.counts).toMatchObject({ done: 4, failed: 0 });
  expect(second.ran).toEqual([1]);
  expect(await needs()).toEqual(['appliance']);
});
