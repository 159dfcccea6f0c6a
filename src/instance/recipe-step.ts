import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepOrder, StepOutcome } from '../base/recipe/step-runner.js';
import type { DirectBase } from '../base/store.js';
import { makeBlankDisk } from '../disk/blank-disk.js';
import { openExt4 } from '../disk/ext4/index.js';
import { openRaw } from '../disk/source.js';
import { GvaError } from '../system/errors.js';
import { scratchFiles } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { Disk, MachineSpec } from '../vmm/driver.js';
import { logFolder } from './collect.js';
import { type Scratch, createScratch } from './scratch.js';
import { type Watched, watchMachine } from './watch.js';

/** Bytes: for what a step says. */
const outputSize = 64 << 20;
/** Bytes of that which are read. */
const longestLog = 32 << 20;
/** Seconds. */
const limits = { boot: 180, powerOff: 30 };

/**
 * Executes a step of a recipe in a machine that boots the base micro and has the step's root file system on another disk:
 * see guest/recipe-step.
 *
 * @throws GvaError where no machine could be started; the signal's reason
 */
export async function runRecipeStep(
  order: StepOrder,
  micro: DirectBase,
  vmm: ChosenVmm,
  signal: AbortSignal,
): Promise<StepOutcome> {
  await using scratch = await createScratch();
  await using machine = await vmm.driver.start(await stepMachine(order, micro, scratch));
  const watched = await watchMachine(
    { lines: machine.lines, exited: machine.exited, kill: () => machine.kill() },
    { ...limits, total: order.timeout },
    () => undefined,
    signal,
  );
  signal.throwIfAborted();
  const log = await readLog(join(scratch.folder, scratchFiles.output));
  const problem = problemOf(watched);
  if (problem === undefined) return { status: watched.scripts[0]?.status ?? null, log };
  const said = Buffer.from(machine.console.lastLines(5).join('\n'));
  return { status: null, problem, log: log.length > 0 ? log : said };
}

async function stepMachine(order: StepOrder, micro: DirectBase, { folder }: Scratch): Promise<MachineSpec> {
  const file = (name: string) => join(folder, name);
  const { root, kernel, initrd } = micro.files;
  const own = async (id: Disk['id'], image: string): Promise<Disk> => ({
    ...{ id, image, access: 'read-write' },
    size: (await stat(image)).size,
  });
  const output = file(scratchFiles.output);
  await makeBlankDisk(output, 'GVA-OUT', outputSize);
  return {
    ...{ id: 'recipe-step', cpus: 1, memory: order.memory, network: order.network },
    boot: {
      kind: 'direct',
      kernel: join(micro.folder, kernel.name),
      initrd: join(micro.folder, initrd.name),
    },
    disks: [
      {
        ...{ id: 'root', image: join(micro.folder, root.name), size: root.size },
        ...{ access: 'overlay', overlay: file(scratchFiles.rootOverlay) },
      },
      await own('app', order.app),
      await own('output', output),
      await own('disk0', order.root),
    ],
    folders: { uml: file(scratchFiles.uml), hostfs: file(scratchFiles.hostfs) },
  };
}

/** Its own status says nothing where GVAD never came to `done`: the disks are not as they should be then. */
function problemOf({ done, ended, exit, scripts }: Watched): string | undefined {
  if (ended === 'timeout') return 'its time was over';
  if (ended === 'boot-timeout') return `its machine said nothing within ${limits.boot} s`;
  if (!done || exit.status !== 0) return `its machine ended with status ${exit.status} before the step did`;
  return scripts.length === 1 ? undefined : 'its machine did not execute it';
}

async function readLog(image: string): Promise<Buffer> {
  try {
    await using source = await openRaw(image, 'refused');
    return await (await openExt4(source)).readFileBytes(`${logFolder}/50-step.stdout`, longestLog);
  } catch (error) {
    if (error instanceof GvaError) return Buffer.alloc(0);
    throw error;
  }
}
