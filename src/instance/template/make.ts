import { rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { ensureFolder, temporarySibling } from '../../system/files.js';
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
import { type MachineShape, memoryFileSize, templateSpec } from './shape.js';

export interface TemplateOrder {
  readonly key: string;
  readonly parts: TemplateParts;
  readonly shape: MachineShape;
  /** Seconds until the guest must be idle. */
  readonly bootLimit: number;
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
  const folder = temporarySibling(target);
  try {
    await ensureFolder(folder);
    await bootAndSave(folder, order, driver, signal);
    const manifest: TemplateManifest = {
      ...{ format: 'gva-template/1', key: order.key, parts: order.parts },
      files: await describeContents(folder),
      madeAt: new Date().toISOString(),
      seconds: Number(((performance.now() - start) / 1000).toFixed(3)),
    };
    await writeFile(join(folder, templateFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    await cache.discard(order.key);
    await rename(folder, target);
    const template = templateIn(target, order.key);
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
  { shape, bootLimit }: TemplateOrder,
  driver: VmmDriver,
  signal: AbortSignal,
): Promise<void> {
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
    disk.id === 'root' ? { ...disk, overlay: join(folder, templateFiles.root) } : disk,
  );
  // Nobody ever looks at these, and a clone has others in their place.
  for (const disk of disks) if (disk.id !== 'root') await writeSparse(disk.image, disk.size);
  await using machine = await driver.start({ ...spec, disks });
  await untilIdle(machine, bootLimit, signal);
  await machine.saveState?.(join(folder, templateFiles.state));
  machine.quit?.();
  await machine.exited;
}

async function untilIdle(machine: VirtualMachine, seconds: number, signal: AbortSignal): Promise<void> {
  using limit = new TimeLimit(machine, seconds * 1000, signal);
  const feed = new EventFeed(machine.lines);
  for (let event = await feed.next(); event; event = await feed.next()) {
    if (event.name === 'idle' && event.fields['template'] === '1') return;
    if (event.name === 'error') throw new Error(`the guest says: ${event.fields['message'] ?? '?'}`);
  }
  signal.throwIfAborted();
  const { status, stderr } = await machine.exited;
  const said = stderr.trim().split('\n').slice(-2).join('; ');
  const why = limit.over ? `it was not ready within ${seconds} s` : `it ended with status ${status}`;
  throw new Error([why, said, ...machine.console.lastLines(2)].filter((text) => text !== '').join('; '));
}

async function writeSparse(path: string, size: number): Promise<void> {
  await writeFile(path, '', { flag: 'wx', mode: 0o600 });
  await truncate(path, size);
}
