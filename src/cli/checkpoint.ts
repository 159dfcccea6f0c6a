import { cp, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Taken } from '../instance/checkpoint/checkpointer.js';
import type { GuestProgress } from '../model/guest-event.js';
import { printable } from '../vmm/console-ring.js';
import { ExitCode, GvaError, messageOf } from '../system/errors.js';
import { formatSize } from '../system/units.js';
import { act, printJson } from './action.js';

interface CheckpointOptions {
  out?: string;
  stop?: boolean;
  json?: boolean;
}

export function addCheckpointCommand(program: Command): void {
  program
    .command('checkpoint')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .description('save an instance while it runs, so that gva resume can go on from there')
    .option('-o, --out <dir>', 'copy the checkpoint into this folder, which must not be there yet')
    .option('--stop', 'end the instance when it is saved')
    .option('--json', 'print what was saved as one JSON document on standard output, and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  gva checkpoint fold-4711
  gva checkpoint fold-4711 --stop --out /mnt/moved/fold && gva resume /mnt/moved/fold

Under QEMU only.`,
    )
    .action((instance: string, options: CheckpointOptions) =>
      act(options.json ?? false, () => checkpoint(instance, options)),
    );
}

/** Milliseconds: a large memory takes its time to be written. */
const patience = 3600_000;

async function checkpoint(name: string, { out, stop = false, json }: CheckpointOptions): Promise<ExitCode> {
  const { ask, runningInstances } = await import('../instance/control/client.js');
  const instance = (await runningInstances()).find(({ id }) => id === name);
  if (!instance)
    throw new GvaError('INSTANCE_UNKNOWN', `no instance ${name} runs on this machine`, {
      hint: 'gva ps shows those that do.',
    });
  const target = out === undefined ? undefined : await newFolder(out);
  const save = async () => {
    const asked = { v: 1, request: 'checkpoint', instance: name, stop } as const;
    const answer = await ask(instance.socket, asked, patience);
    if (!('taken' in answer)) throw new GvaError('CONTROL', 'the answer is of another kind');
    if (target !== undefined) await copyCheckpoint(answer.taken, target);
    return answer.taken;
  };
  const taken = await save().catch(async (error: unknown) => {
    // What is in it is half of a copy at most.
    if (target !== undefined) await rm(target, { recursive: true, force: true });
    throw error;
  });
  const folder = target ?? taken.folder;
  if (json) printJson({ ...taken, folder });
  else
    console.error(
      `saved in ${taken.seconds.toFixed(2)} s (the guest stood still for ${taken.pause.toFixed(3)} s): ${formatSize(taken.size)} in ${folder}`,
    );
  return ExitCode.ok;
}

async function newFolder(out: string): Promise<string> {
  const folder = resolve(out);
  await mkdir(folder).catch((error: unknown) => {
    throw new GvaError('OUT_EXISTS', `cannot make the folder ${out}: ${messageOf(error)}`, {
      hint: 'Name one that is not there, in a folder that is: --out DIR',
      cause: error,
    });
  });
  return folder;
}

/** Its manifest last: a copy that was broken off is none. */
async function copyCheckpoint({ folder }: Taken, target: string): Promise<void> {
  const { readCheckpoint } = await import('../instance/checkpoint/resume.js');
  const { checkpointFiles } = await import('../system/paths.js');
  const saved = await readCheckpoint(folder);
  if (!saved) throw new GvaError('CHECKPOINT_MISSING', `the checkpoint in ${folder} is gone`);
  for (const name of [...Object.keys(saved.manifest.files), checkpointFiles.manifest])
    await cp(join(folder, name), join(target, name));
}

export function addPsCommand(program: Command): void {
  program
    .command('ps')
    .description('list the instances that run on this machine')
    .option('--json', 'print them as one JSON document on standard output, and nothing else')
    .addHelpText('after', '\nExamples:\n  gva ps\n  gva ps --json | jq -r .[].id')
    .action(({ json = false }: { json?: boolean }) => act(json, () => list(json)));
}

/** "40% phase 2" */
function progressText({ fraction, text }: GuestProgress = {}): string {
  const parts = [
    ...(fraction === undefined ? [] : [`${Math.round(100 * fraction)}%`]),
    ...(text ? [text] : []),
  ];
  return parts.length === 0 ? '-' : printable(parts.join(' ')).replace(/\s+/g, ' ');
}

async function list(json: boolean): Promise<ExitCode> {
  const { runningInstances } = await import('../instance/control/client.js');
  const { lineWidth, textTable } = await import('./sweep/text-table.js');
  const instances = (await runningInstances()).map(({ socket, ...instance }) => ({ ...instance, socket }));
  if (json) printJson(instances);
  else {
    const column = (title: string, cell: (each: (typeof instances)[number]) => string) => ({
      ...{ title, cells: instances.map(cell), wide: true },
    });
    const columns = [
      column('instance', ({ id }) => id),
      column('state', ({ state }) => state),
      column('progress', ({ progress }) => progressText(progress)),
      column('vmm', ({ vmm }) => vmm),
      column('since', ({ startedAt }) => startedAt),
      column('last checkpoint', ({ lastCheckpoint }) => lastCheckpoint ?? '-'),
      column('appliance', ({ appliance }) => appliance),
    ];
    process.stdout.write(textTable(columns, lineWidth(process.stdout)));
  }
  return ExitCode.ok;
}
