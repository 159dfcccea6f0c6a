import { rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { ensureFolder, freshSibling } from '../../system/files.js';
import { scratchFiles, templateFiles } from '../../system/paths.js';
import type { MachineSpec, VirtualMachine, VmmDriver } from '../../vmm/driver.js';
import { TimeLimit } from '../../vmm/time-limit.js';
import { createScratch } from '../scratch.js';
import {
  type Template,
  type TemplateCache,
  type TemplateManifest,
  describeContents,
  templateIn,
} from './cache.js';
import { EventFeed } from './event-feed.js';
import type { TemplateParts } from './key.js';
import { type MachineShape, isMounted, memoryFileSize, templateKind, templateSpec } from './shape.js';

export interface TemplateOrder {
  readonly key: string;
  readonly parts: TemplateParts;
  readonly shape: MachineShape;
  /** Seconds until GVAD must be up. */
  readonly bootLimit: number;
  /** Seconds from then on until the guest must be idle, where it has something to run before; no limit where absent. */
  readonly beforeLimit?: number | undefined;
}

/**
 * Boots a guest until it waits to be woken, saves it, and puts the template into the cache, whole or not at all.
 *
 * @throws GvaError TEMPLATE where the guest does not get there, or the host has no room; the signal's reason
 */
export async function makeTemplate(
  cache: TemplateCache,
  order: TemplateOrder,
  driver: VmmDriver,
  signal: AbortSignal,
): Promise<Template> {
  const start = performance.now();
  const target = join(await ensureFolder(cache.folder), order.key);
  const folder = await freshSibling(target);
  try {
    await ensureFolder(folder);
    await bootAndSave(folder, order, driver, signal);
    const files = await describeContents(folder);
    const manifest: TemplateManifest = {
      ...{ format: 'gva-template/1', key: order.key, parts: order.parts },
      files,
      madeAt: new Date().toISOString(),
      seconds: Number(((performance.now() - start) / 1000).toFixed(3)),
    };
    await writeFile(join(folder, templateFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    await cache.discard(order.key);
    await rename(folder, target);
    const template = templateIn(target, order.key, files);
    await cache.trust(template);
    return template;
  } catch (error) {
    signal.throwIfAborted();
    throw new GvaError('TEMPLATE', `no template could be made: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Instances can be started cold: --start cold',
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bootAndSave(
  folder: string,
  order: TemplateOrder,
  driver: VmmDriver,
  signal: AbortSignal,
): Promise<void> {
  const { shape } = order;
  await using scratch = await createScratch();
  const file = (name: string) => join(scratch.folder, name);
  const folders = { uml: file(scratchFiles.uml), hostfs: file(scratchFiles.hostfs) };
  const memory = join(folder, templateFiles.memory);
  await writeSparse(memory, memoryFileSize(shape.memory));
  const spec: MachineSpec = {
    ...templateSpec(shape, scratch.folder, folders),
    memoryFile: { file: memory, shared: true },
    saveSocket: file(scratchFiles.saveSocket),
  };
  const disks = spec.disks.map((disk) =>
    isMounted(disk.id, shape) ? { ...disk, overlay: join(folder, templateFiles[disk.id]) } : disk,
  );
  // Nobody ever looks at the others, and a clone has its own in their place.
  for (const disk of disks) if (!isMounted(disk.id, shape)) await writeSparse(disk.image, disk.size);
  await using machine = await driver.start({ ...spec, disks });
  await untilIdle(machine, order, signal);
  await machine.saveState?.(join(folder, templateFiles.state));
  machine.quit?.();
  await machine.exited;
}

async function untilIdle(machine: VirtualMachine, order: TemplateOrder, signal: AbortSignal): Promise<void> {
  const { bootLimit, beforeLimit, shape } = order;
  const wanted = templateKind(shape.warmed);
  let seconds: number | undefined = bootLimit;
  using limit = new TimeLimit(machine, milliseconds(seconds), signal);
  const feed = new EventFeed(machine.lines);
  for (let event = await feed.next(); event; event = await feed.next()) {
    const said = event.fields['template'];
    if (event.name === 'idle' && said === wanted) return;
    if (event.name === 'idle' && said !== undefined)
      throw new Error('this base knows no templates of an appliance; build it again');
    if (event.name === 'error') throw new Error(`the guest says: ${event.fields['message'] ?? '?'}`);
    if (event.name === 'boot' && shape.warmed) limit.restart(milliseconds((seconds = beforeLimit)));
  }
  signal.throwIfAborted();
  const { status, stderr } = await machine.exited;
  const said = stderr.trim().split('\n').slice(-2).join('; ');
  const why = limit.over ? `it was not ready within ${seconds ?? '?'} s` : `it ended with status ${status}`;
  throw new Error([why, said, ...machine.console.lastLines(2)].filter((text) => text !== '').join('; '));
}

/** As setTimeout takes it: 24 days are as good as no limit here. */
const milliseconds = (seconds = Infinity) => Math.min(seconds * 1000, 2 ** 31 - 1);

async function writeSparse(path: string, size: number): Promise<void> {
  await writeFile(path, '', { flag: 'wx', mode: 0o600 });
  await truncate(path, size);
}
