import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execute } from './gva.js';

const programs = {
  run: fileURLToPath(new URL('coordinator-run.js', import.meta.url)),
  tables: fileURLToPath(new URL('tables-run.js', import.meta.url)),
};

/** What a run of the coordinator cost. */
export interface Run {
  readonly cpuMs: number;
  readonly firstSeconds: number;
  readonly seconds: number;
  readonly peakMegabytes: number;
  /** The latest that a timer was, in milliseconds. */
  readonly longestBlockMs: number;
  readonly kept: number;
}

type Common = 'seconds' | 'peakMegabytes' | 'longestBlockMs';

/** An appliance and a plan of so many points in the folder. @returns the plan's file */
export async function writePlan(folder: string, points: number): Promise<string> {
  const appliance = join(folder, 'empty');
  await mkdir(join(appliance, 'app'), { recursive: true });
  await writeFile(
    join(appliance, 'gva.yaml'),
    'name: empty\nrun: "true"\nparameters: { n: { type: int } }\n',
  );
  const plan = join(folder, `plan-${points}.yaml`);
  await writeFile(plan, `appliance: empty\nparameters: { n: { range: [1, ${points}] } }\n`);
  return plan;
}

/** Runs a plan with instances that end at once, in a process of its own. */
export async function runPoints(plan: string, out: string, ...args: string[]): Promise<Run> {
  const { stdout } = await execute(process.execPath, [programs.run, plan, out, ...args], {
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout) as Run;
}

/** Writes the tables of such a sweep once more, three times, each in a process of its own. */
export async function writeTables(plan: string, out: string): Promise<Pick<Run, Common>[]> {
  const runs: Pick<Run, Common>[] = [];
  for (let round = 0; round < 3; round++) {
    const { stdout } = await execute(process.execPath, [programs.tables, plan, out]);
    runs.push(JSON.parse(stdout) as Pick<Run, Common>);
  }
  return runs;
}
