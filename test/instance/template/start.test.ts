import { readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { InstanceSpec } from '../../../src/instance/instance-spec.js';
import { runInstance } from '../../../src/instance/run.js';
import { Templates } from '../../../src/instance/template/templates.js';
import type { InstanceEvent } from '../../../src/model/instance-event.js';
import { lockFolder } from '../../../src/system/folder-lock.js';
import { templateLock, templatesFolder } from '../../../src/system/paths.js';
import { doneScript, guestScript } from '../../../src/vmm/fake/driver.js';
import { fakeVmm } from '../../support/fake-appliance.js';
import { wakeDevices } from '../../../src/instance/template/wake.js';
import type { MachineSpec } from '../../../src/vmm/driver.js';
import { TemplateDriver, idle, idleAfterBefore, wakes } from '../../support/template-driver.js';
import {
  type Run,
  fileOf,
  newOut,
  warmUp,
  forget,
  newProcess,
  prepared,
  run,
  said,
  templates,
  useHomes,
} from './runs.js';

useHomes();

describe('an instance is started', () => {
  it('cold where nothing was said, and says so', async () => {
    const driver = new TemplateDriver();
    const result = await run(driver, { choice: 'cold' });
    expect(result).toMatchObject({ state: 'done', start: 'cold' });
    expect(result).not.toHaveProperty('startReason');
    expect(driver.started).toEqual(['cold']);
  });

  it('warm from a template that is made for it, then from the same one', async () => {
    const driver = new TemplateDriver();
    const events: InstanceEvent[] = [];
    const result = await run(driver, { choice: 'warm', onEvent: (event) => events.push(event) });
    expect(result).toMatchObject({ state: 'done', start: 'warm', scripts: [{ status: 0 }] });
    expect(events.map((one) => (one.event === 'guest' ? one.name : one.event)).slice(0, 3)).toEqual([
      ...['staged', 'wake', 'boot'],
    ]);
    expect(events[0]).toMatchObject({ start: 'warm' });
    expect(result.times.booted).not.toBeNull();
    expect(said).toEqual([expect.stringContaining('making a template')]);
    expect(await run(driver)).toMatchObject({ start: 'warm' });
    expect(driver.started).toEqual(['template', 'clone', 'clone']);
    expect(driver.seen).toEqual(['memory,state', 'memory,state']);
    expect((await readdir(await fileOf(''))).sort()).toEqual([
      ...['memory', 'root.overlay', 'state', 'template.json'],
    ]);
  });

  it('cold by auto where there is no template, without a word about it', async () => {
    const driver = new TemplateDriver();
    const result = await run(driver);
    expect(result).toMatchObject({ state: 'done', start: 'cold' });
    expect(result).not.toHaveProperty('startReason');
    expect(await templates()).toEqual([]);
  });

  it('warm by auto where it may make a template', async () => {
    const driver = new TemplateDriver();
    expect(await run(driver, { make: 'unless-busy' })).toMatchObject({ start: 'warm' });
    expect(driver.started).toEqual(['template', 'clone']);
  });

  it('from another template where host or VMM are others', async () => {
    const driver = new TemplateDriver();
    await run(driver, { choice: 'warm' });
    driver.facts = { qemu: '2' };
    expect(await run(driver)).toMatchObject({ start: 'cold' });
    expect(await run(driver, { choice: 'warm' })).toMatchObject({ start: 'warm' });
    expect(await templates()).toHaveLength(2);
  });

  it.each<[string, Partial<InstanceSpec>, RegExp]>([
    ['memory on a NUMA node', { placement: { numaNode: 0 } }, /NUMA/],
    ['disks to keep', { keepDisks: true }, /^$/],
  ])('cold where it asks for %s', async (_, spec, reason) => {
    const driver = new TemplateDriver();
    await run(driver, { choice: 'warm' });
    expect(await run(driver, { spec })).toMatchObject({ start: 'cold' });
    const warm = run(driver, { choice: 'warm', spec }).catch((error: unknown) => String(error));
    if (reason.source === '^$') expect(await warm).toMatchObject({ start: 'warm' });
    else expect(await warm).toMatch(reason);
  });

  it('not at all where it must be warm and the VMM cannot', async () => {
    const driver = new TemplateDriver();
    Object.assign(driver, { capabilities: { ...driver.capabilities, templates: false } });
    await expect(run(driver, { choice: 'warm' })).rejects.toMatchObject({ code: 'START_WARM', exitCode: 69 });
    expect(await run(driver)).toMatchObject({ start: 'cold' });
  });
});

describe('an appliance of which a part is done once', () => {
  const warmed = { template: `${idleAfterBefore}sleep 100` };
  const disk = ({ disks }: MachineSpec, id: string) => disks.find((each) => each.id === id);
  beforeEach(() => {
    warmUp();
  });

  it('has a template of its own: clones go on with its application disk', async () => {
    const driver = new TemplateDriver(warmed);
    expect(await run(driver, { choice: 'warm' })).toMatchObject({ state: 'done', start: 'warm' });
    expect(driver.started).toEqual(['template', 'clone']);
    const [template, clone] = driver.specs as [MachineSpec, MachineSpec];
    const image = prepared.machine.kind === 'contract' ? prepared.machine.app.file : '';
    expect(template.kernelOptions).toEqual(['gva.template=app']);
    expect(disk(template, 'app')).toMatchObject({ image, access: 'overlay' });
    const app = await fileOf('app.overlay');
    expect(disk(clone, 'app')).toMatchObject({
      image: app,
      backing: image,
      size: disk(template, 'app')?.size,
    });
    expect(Object.keys(wakeDevices(clone.disks))).toEqual(['output', 'cdrom']);
    expect(await readFile(app, 'utf8')).toBe('app of the template');
    await writeFile(app, 'APP of the template');
    forget();
    expect(await run(driver)).toMatchObject({ start: 'warm' });
    expect(said).toEqual([expect.stringContaining('app.overlay has other content'), expect.anything()]);
  });

  it('starts from a template of the base while it has none', async () => {
    const appliance = { ...prepared.appliance };
    delete appliance.warm;
    const driver = new TemplateDriver();
    await run(driver, { choice: 'warm', spec: { prepared: { ...prepared, appliance } } });
    expect(await run(driver)).toMatchObject({ state: 'done', start: 'warm' });
    expect(driver.started).toEqual(['template', 'clone', 'clone']);
    expect(Object.keys(wakeDevices(driver.specs[2]?.disks ?? []))).toEqual(['app', 'output', 'cdrom']);
  });

  it.each([
    ['before fails', 'error message=before%20ended%20with%20status%203', /before ended with status 3/],
    ['the base knows nothing of it', 'idle template=1', /build it again/],
  ])('starts cold where %s', async (_, event, reason) => {
    const driver = new TemplateDriver({ template: guestScript(['boot t=0.01', event]) });
    const result = await run(driver, { make: 'unless-busy' });
    expect(result).toMatchObject({ state: 'done', start: 'cold' });
    expect(result.startReason).toMatch(reason);
    expect(driver.started).toEqual(['template', 'cold']);
  });

  it('has as much time for what is done once as an instance has', async () => {
    const slow = { template: `${guestScript(['boot t=0.01'])}sleep 100` };
    const limits = { boot: 600, total: 0.2, powerOff: 600 };
    const wish = { make: 'unless-busy', spec: { limits } } as const;
    expect((await run(new TemplateDriver(slow), wish)).startReason).toMatch(/not ready within 0.2 s/);
  });
});

describe('a template that is not what it was', () => {
  const damages: [string, () => Promise<unknown>][] = [
    ['with a memory file cut short', async () => truncate(await fileOf('memory'), 100)],
    ['with other memory', async () => writeFile(await fileOf('memory'), 'other', { flag: 'r+' })],
    ['without memory', async () => rm(await fileOf('memory'))],
    ['with a state cut short', async () => truncate(await fileOf('state'), 2)],
    ['with another state', async () => writeFile(await fileOf('state'), 'STATE')],
    ['without a state', async () => rm(await fileOf('state'))],
    ['with another root', async () => writeFile(await fileOf('root.overlay'), 'evil')],
    ['without a root', async () => rm(await fileOf('root.overlay'))],
    ['with a description cut short', async () => truncate(await fileOf('template.json'), 20)],
    [
      'with the description of another',
      async () => {
        const file = await fileOf('template.json');
        const text = await readFile(file, 'utf8');
        await writeFile(file, text.replace(/"key": "[0-9a-f]+"/, `"key": "${'0'.repeat(64)}"`));
      },
    ],
    ['with a description that is no object', async () => writeFile(await fileOf('template.json'), '7')],
  ];

  it.each(damages)('%s is made again, and said so', async (_, damage) => {
    const driver = new TemplateDriver();
    await run(driver, { choice: 'warm' });
    await damage();
    forget();
    expect(await run(driver)).toMatchObject({ state: 'done', start: 'warm' });
    expect(said).toEqual([expect.stringContaining('damaged'), expect.stringContaining('making a template')]);
    expect(driver.started).toEqual(['template', 'clone', 'template', 'clone']);
    expect(new Set(driver.seen)).toEqual(new Set(['memory,state']));
  });

  it.each(damages.slice(0, 8))('%s is noticed by a process that has used it before', async (_, damage) => {
    const driver = new TemplateDriver();
    const own = newProcess();
    await run(driver, { choice: 'warm', templates: own });
    await damage();
    expect(await run(driver, { templates: own })).toMatchObject({ state: 'done', start: 'warm' });
    expect(driver.started).toEqual(['template', 'clone', 'template', 'clone']);
  });

  it('that cannot be made again leads to a cold start, with the reason', async () => {
    const driver = new TemplateDriver();
    await run(driver, { choice: 'warm' });
    await rm(await fileOf('state'));
    driver.scripts = { ...driver.scripts, template: 'echo "no kernel" >&2; exit 4' };
    const result = await run(driver);
    expect(result).toMatchObject({ state: 'done', start: 'cold' });
    expect(result.startReason).toMatch(/no template could be made: it ended with status 4; no kernel/);
    expect(await templates()).toEqual([]);
  });
});

describe('a clone that is of no use', () => {
  const awake = wakes() + doneScript;
  it.each([
    ['that does not confirm its random numbers', wakes('reseeded=0 clock=1 flushed=1'), /random/],
    ['that does not confirm its clock', wakes('reseeded=1 flushed=1'), /clock/],
    [
      'that says to be another',
      'read -r line <&4; echo "@gva1 wake reseeded=1 clock=1 flushed=1 id=x" >&4',
      /another/,
    ],
    ['that ends', 'echo broken >&2; exit 3', /status 3 before it answered: broken/],
    ['that stays silent', 'sleep 100', /not answered within 0.3 s/],
  ])('%s is not used: its instance is started cold, and says why', async (_, clone, reason) => {
    const script = guestScript(['script-start name=wrong', 'script-end name=wrong status=0', 'done']);
    const driver = new TemplateDriver({ clone: `${clone}\n${script}` });
    const events: InstanceEvent[] = [];
    const wish = {
      make: 'unless-busy',
      wakeLimit: clone.startsWith('sleep') ? 300 : 60_000,
      onEvent: (event: InstanceEvent) => events.push(event),
    };
    const result = await run(driver, wish as Run);
    expect(result).toMatchObject({ state: 'done', start: 'cold', scripts: [{ name: '50-autorun' }] });
    expect(result.startReason).toMatch(reason);
    expect(events[0]).toMatchObject({ event: 'staged', start: 'cold', reason: result.startReason });
    expect(events.filter((event) => event.event === 'guest' && event.name === 'wake')).toEqual([]);
    expect(driver.started).toEqual(['template', 'clone', 'cold']);
  });

  it('is an error where it must be warm', async () => {
    const driver = new TemplateDriver({ clone: 'exit 1' });
    await expect(run(driver, { choice: 'warm' })).rejects.toMatchObject({ code: 'START_WARM' });
  });

  it('twice: the template goes; a process that has seen four tries no more', async () => {
    const driver = new TemplateDriver({ clone: 'exit 1' });
    const wish = { make: 'unless-busy', templates: newProcess() } as const;
    for (const left of [1, 0, 1, 0]) {
      expect(await run(driver, wish)).toMatchObject({ start: 'cold' });
      expect(await templates()).toHaveLength(left);
    }
    driver.started.length = 0;
    driver.scripts = { ...driver.scripts, clone: awake };
    expect((await run(driver, wish)).startReason).toMatch(/too many clones/);
    expect(driver.started).toEqual(['cold']);
    expect(await run(driver, { choice: 'warm' })).toMatchObject({ start: 'warm' });
  });

  it('because the user has ended it is cancelled, and no fault of the template', async () => {
    const driver = new TemplateDriver({ clone: 'sleep 100' });
    const controller = new AbortController();
    const onStarting = () => void setTimeout(() => controller.abort(), 20);
    const wish = { choice: 'warm', signal: controller.signal, spec: { onStarting } } as const;
    expect(await run(driver, wish)).toMatchObject({ state: 'cancelled', cause: 'interrupted' });
    expect(await readdir(await fileOf(''))).not.toContain('failures');
  });
});

describe('of those who want the same template', () => {
  it('one makes it and the others wait, in one process and in two', async () => {
    const driver = new TemplateDriver({ template: `sleep 0.2; ${idle}sleep 100` });
    const own = newProcess();
    const results = await Promise.all([
      ...[1, 2, 3].map(() => runIn(driver, own)),
      ...[1, 2].map(() => runIn(driver, newProcess())),
    ]);
    for (const result of results) expect(result).toMatchObject({ state: 'done', start: 'warm' });
    expect(driver.started.filter((kind) => kind === 'template')).toHaveLength(1);
    expect((await readdir(templatesFolder())).filter((name) => /tmp|lock/.test(name))).toEqual([]);
  });

  const runIn = (driver: TemplateDriver, own: Templates) => runBeside(driver, own);
  /** As `run`, where others have their scratch folders at the same time. */
  async function runBeside(driver: TemplateDriver, own: Templates) {
    const out = newOut();
    const limits = { boot: 600, total: undefined, powerOff: 600 };
    const start = { choice: 'warm', make: 'never', templates: own } as const;
    const spec = {
      id: `square-${basename(out)}`,
      prepared,
      parameters: { n: 3, mode: 'fast' },
      files: [],
      out,
      limits,
    };
    const flags = { force: false, keep: 'files' as const, keepDisks: false, start };
    const { signal } = new AbortController();
    return runInstance({ ...spec, ...flags }, fakeVmm(undefined, driver), () => undefined, signal);
  }

  it('auto does not wait for another process', async () => {
    const driver = new TemplateDriver();
    await run(driver, { choice: 'warm' });
    const key = (await templates())[0] ?? '';
    await rm(join(templatesFolder(), key), { recursive: true });
    const { lock } = await lockFolder(templatesFolder(), templateLock(key));
    const result = await run(driver, { make: 'unless-busy' });
    expect(result).toMatchObject({ state: 'done', start: 'cold' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('no patience')), 200);
    await expect(run(driver, { choice: 'warm', signal: controller.signal })).rejects.toThrow('no patience');
    await lock?.[Symbol.asyncDispose]();
    expect(await run(driver, { make: 'unless-busy' })).toMatchObject({ start: 'warm' });
  });

  it('a guest that says what is wrong, or is not idle in time, makes none', async () => {
    const wrong = new TemplateDriver({ template: guestScript(['error message=no%20wake']) });
    expect((await run(wrong, { make: 'unless-busy' })).startReason).toMatch(/the guest says: no wake/);
    const slow = new TemplateDriver({ template: 'sleep 100' });
    const limits = { boot: 0.2, total: undefined, powerOff: 600 };
    const result = await run(slow, { make: 'unless-busy', spec: { limits } });
    expect(result.startReason).toMatch(/not ready within 0.2 s/);
    expect(result.state).toBe('done');
    expect((await readdir(templatesFolder())).filter((name) => !name.startsWith('digest-'))).toEqual([]);
  });
});
