import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timed } from '../benchmark.js';
import { execute, gva } from '../gva.js';

/** An appliance that squares its parameter, and plans of it. */
export async function writeSquare(
  folder: string,
  points: number,
): Promise<{ appliance: string; plan: string }> {
  const appliance = join(folder, 'square');
  await mkdir(join(appliance, 'app'), { recursive: true });
  const parameters = 'parameters:\n  n: { type: int, default: 7 }\n';
  const run = 'run: read -r n </cdrom/param; echo $((n * n)) >result';
  await writeFile(join(appliance, 'gva.yaml'), `name: square\n${run}\n${parameters}`);
  const plan = join(folder, 'plan.yaml');
  await writeFile(plan, `appliance: ./square\nparameters:\n  n: { range: [1, ${points}] }\n`);
  return { appliance, plan };
}

/** One job by GVA. @returns seconds of the command */
export async function byGva(folder: string, appliance: string, ...how: string[]): Promise<number> {
  const out = join(folder, 'gva-out');
  const seconds = await timed(() => gva('run', appliance, '--param', 'n=7', '--out', out, '--force', ...how));
  await mustBe(join(out, 'output/result'), '49');
  return seconds;
}

/** One job by a command that writes to a file. */
export async function byCommand(
  folder: string,
  command: (out: string) => readonly [string, ...string[]],
): Promise<number> {
  const out = join(folder, 'peer-result');
  await rm(out, { force: true });
  const [program, ...args] = command(out);
  const seconds = await timed(() => execute(program, args));
  await mustBe(out, '49');
  return seconds;
}

export async function mustBe(file: string, text: string): Promise<void> {
  const content = (await readFile(file, 'utf8')).trim();
  if (content !== text) throw new Error(`${file} has ${content}, not ${text}`);
}
