import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { SavedOptions, SavedRun } from '../../sweep/observe/saved-options.js';
import { GvaError } from '../../system/errors.js';
import { type ProcessOptions, type SweepRunOptions, addProcessOptions, gatherOption } from './run-options.js';
import { runHereOrDetached, runPlan } from './run.js';

interface ResumeOptions extends ProcessOptions {
  jobs?: string;
  gather?: boolean;
  takeOver?: boolean;
}

export function addResumeCommand(sweep: Command): void {
  const resume = sweep
    .command('resume')
    .argument('<sweep>', 'folder or name of a sweep that does not run')
    .description('go on with a sweep: plan, appliance and options as they were the last time')
    .option('-j, --jobs <number>', 'instances at once (default: as the last time)')
    .addOption(gatherOption());
  addProcessOptions(resume)
    .addHelpText('after', examples)
    .action(async (name: string, options: ResumeOptions) => {
      // The folder is needed outside the work, too; what goes wrong in finding it is told by the work.
      const { findSweep } = await import('../../sweep/observe/find.js');
      const found = await findSweep(name).catch((error: unknown) => ({ error }));
      const folder = typeof found === 'string' ? found : name;
      const detach = typeof found === 'string' && (options.detach ?? false);
      const run = typeof found === 'string' ? await savedRun(found).catch(() => undefined) : undefined;
      const grid = run?.options.grid;
      await runHereOrDetached(
        folder,
        { ...options, detach, ...(grid && { grid }), ...savingOf(run) },
        async (signals, lines) => {
          if (typeof found !== 'string') throw found.error;
          const { plan, options: saved } = run ?? (await savedRun(folder));
          const { jobs, gather, takeOver } = options;
          const now = Object.entries({ jobs, gather, takeOver, ...(grid && { detach }) }).filter(
            ([, value]) => value !== undefined,
          );
          const again: SweepRunOptions = { ...saved, ...Object.fromEntries(now), out: folder, yes: true };
          return await runPlan(plan.file, again, { signals, lines }, plan.text);
        },
      );
    });
}

/** What decides how a signal is taken. */
const savingOf = (run: { options: SavedOptions } | undefined): Pick<SavedOptions, 'checkpointEvery'> => {
  const every = run?.options.checkpointEvery;
  return every === undefined ? {} : { checkpointEvery: every };
};

const examples = `
Examples:
  gva sweep resume squares
  gva sweep resume squares -j 8 --detach

All points are run that are not done, those that failed or were lost included.
The plan is read again from where it was, and has to be the same. To take up one that has changed:
gva sweep run PLAN --out DIR

Exit status: as of gva sweep run.`;

async function savedRun(folder: string): Promise<SavedRun & { options: SavedOptions }> {
  const { readSavedRun } = await import('../../sweep/observe/saved-options.js');
  const saved = await readSavedRun(folder);
  const plan = saved?.plan.file ?? 'PLAN';
  if (!saved?.options)
    throw new GvaError(
      'SWEEP_OPTIONS_UNKNOWN',
      `the sweep in ${folder} does not say with which options it was run`,
      {
        hint: `It is of an earlier version. Go on with it: gva sweep run ${plan} --out ${folder}`,
      },
    );
  if (!existsSync(plan))
    throw new GvaError('PLAN_MISSING', `the plan of the sweep is gone: ${plan}`, {
      hint:
        `What it said is in ${folder}/sweep.json (plan.text), but the files and folders that it names are relative to ` +
        'where it was. Put it back, or run it from elsewhere: gva sweep run PLAN --out DIR',
    });
  return { ...saved, options: saved.options };
}
