import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { SavedInstance } from '../instance/checkpoint/restore.js';
import type { InstanceSpec } from '../instance/instance-spec.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { checkpointFolder, checkpointsFolder } from '../system/paths.js';
import { act, printJson } from './action.js';
import { checkpointInterval } from './instance-options.js';
import { exitCodeOf } from './run.js';

interface ResumeOptions {
  out?: string;
  force?: boolean;
  qemu?: string;
  appliance?: string;
  checkpointEvery?: string;
  json?: boolean;
}

export function addResumeCommand(program: Command): void {
  program
    .command('resume')
    .argument('<instance>', 'name of an instance that has ended, or the folder of a checkpoint')
    .description('go on with an instance from its checkpoint, and bring its output home')
    .option('-o, --out <dir>', 'folder for the results (default: where they were to go)')
    .option('--force', 'replace results that are in the output folder')
    .option('--qemu <dir>', 'folder with a QEMU of your own (its --prefix)')
    .option('-a, --appliance <dir>', 'the appliance, where its images are not on this machine')
    .option('--checkpoint-every <duration>', 'save it so often (default: as before)')
    .option('--json', 'print the result as one JSON document on standard output, and nothing else')
    .addHelpText('after', examples)
    .action((instance: string, options: ResumeOptions) =>
      act(options.json ?? false, (signal, leave) => resume(instance, options, { signal, leave }), {
        saves: true,
      }),
    );
}

const examples = `
Examples:
  gva resume square-4711
  gva resume /mnt/moved/square-4711 --out results
  gva resume square-4711 --json | jq .state

It goes on only where the machine is of the same kind as that on which the checkpoint was taken: QEMU, processor, base
image and images are compared, and every file of the checkpoint is verified. Two that go on from one checkpoint are
twins: each does all that was still to be done.

Exit status: as of gva run; 143 where SIGTERM came and it was saved again.`;

interface Ends {
  readonly signal: AbortSignal;
  readonly leave: AbortSignal;
}

async function resume(name: string, options: ResumeOptions, { signal, leave }: Ends): Promise<ExitCode> {
  const { runInstance } = await import('../instance/run.js');
  const { ControlServer } = await import('../instance/control/server.js');
  const { removeAbandonedResults } = await import('../instance/output-folder.js');
  const { prepareSaved } = await import('../instance/checkpoint/prepare.js');
  const { loadSource } = await import('../appliance/source.js');
  const { chooseVmm } = await import('../vmm/choose.js');
  const { vmmDrivers } = await import('../library/vmms.js');
  const { RunView } = await import('./run-view.js');

  const saved = await findSaved(name);
  const { manifest } = saved;
  const source =
    options.appliance === undefined ? undefined : await loadSource(options.appliance, { signal });
  const prepared = await prepareSaved(manifest, source);
  const { machine } = prepared;
  const base = machine.kind === 'contract' ? machine.base : undefined;
  const vmm = await chooseVmm(manifest.vmm.name, vmmDrivers(base, options.qemu), manifest.machine.cpus);
  const view = new RunView(prepared.appliance, vmm, options.json ?? false);
  const spec = specOf(saved, options);
  const every = checkpointInterval(options) ?? manifest.instance.every;
  const checkpoints = {
    ...({
      folder: saved.folder,
      resume: 'must',
      leave,
      onTrouble: (text: string) => view.note(text),
    } as const),
    ...(every === undefined ? {} : { every }),
  };
  await removeAbandonedResults(spec.out);
  await using control = await ControlServer.listen();
  const result = await runInstance(
    { ...spec, prepared, checkpoints, ...(control ? { control } : {}) },
    vmm,
    (event) => view.event(event),
    signal,
  );
  if (options.json) printJson(result);
  await view.end(result, spec.out);
  return exitCodeOf(result);
}

/** A name is that of an instance of this user's, else it is a folder. */
async function findSaved(name: string): Promise<SavedInstance> {
  const { readCheckpoint } = await import('../instance/checkpoint/resume.js');
  const own = /^[\w.-]+$/.test(name) ? await readCheckpoint(checkpointFolder(name)) : undefined;
  const saved = own ?? (await readCheckpoint(resolve(name)));
  if (saved) return saved;
  throw new GvaError(
    'CHECKPOINT_MISSING',
    `there is no checkpoint of an instance ${name}, and none in such a folder`,
    {
      hint: `Instances that can be gone on with are the folders of ${checkpointsFolder()}.`,
    },
  );
}

type Said = Omit<InstanceSpec, 'prepared' | 'checkpoints'>;

function specOf({ folder, manifest }: SavedInstance, options: ResumeOptions): Said {
  const { id, parameters, files, out, force, keep, limits } = manifest.instance;
  // Who has made one that came from elsewhere may not decide what is replaced here.
  const own = folder.startsWith(`${checkpointsFolder()}/`);
  return {
    ...{ id, parameters, keep, keepDisks: false },
    files: files.map((file) => ({ ...file, source: '' })),
    out: options.out ?? out,
    force: options.force ?? (own && force),
    limits: { boot: limits.boot, total: limits.total, powerOff: limits.powerOff },
  };
}
