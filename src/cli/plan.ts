import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Point } from '../model/sweep.js';
import { ExitCode } from '../system/errors.js';
import type { PlanOutline } from '../sweep/plan/plan.js';
import { act } from './action.js';
import { count } from './quantities.js';

interface PlanOptions {
  appliance?: string;
  count?: boolean;
  head?: string;
  json?: boolean;
  check?: boolean;
}

export function addPlanCommand(program: Command): void {
  program
    .command('plan')
    .argument('<file>', 'plan (YAML), table (CSV, TSV, JSON Lines) or Nimrod plan')
    .description('show what a plan means, without running anything')
    .option('-a, --appliance <dir>', 'appliance folder, where the plan names none or another')
    .option('--count', 'print the number of points, and nothing else')
    .option('--head <number>', 'show so many points from the first on')
    .option('--check', 'look for the files of all points, not of the first thousand alone')
    .option('--json', 'print a line of JSON for each point on standard output, and nothing else')
    .addHelpText('after', examples)
    .action((file: string, options: PlanOptions) =>
      act(options.json ?? false, (signal) => showPlan(file, options, signal)),
    );
}

const examples = `
Examples:
  gva plan square/plan.yaml
  gva plan plan.yaml --count
  gva plan plan.yaml --json --head 3 | jq .parameters
  gva plan points.csv --appliance ./square
  gva plan experiment.pln                # a Nimrod plan, and the gva.yaml that it would take

A plan:
  appliance: ./square
  parameters:                            # crossed; the first changes slowest
    n: { range: [1, 12] }
    x: { log: [0.001, 1000, 7] }
  where: n * x < 100
  files:                                 # of each point
    - { source: 'inputs/{n:03d}.dat', name: in.dat }
All that a plan may say: docs/plans.md

Exit status: 0 the plan is good, 2 something is wrong with it (all of it is told, with line and column),
130 interrupted.`;

async function showPlan(file: string, options: PlanOptions, signal: AbortSignal): Promise<ExitCode> {
  const { outlinePlan } = await import('../sweep/plan/plan.js');
  const head = options.head === undefined ? undefined : count('--head', options.head, 1);
  const plan = await outlinePlan(file, options);
  if (options.check) await checkAllFiles(plan, signal);
  if (options.count) await printCount(plan, options.json ?? false, signal);
  else if (options.json) await printPoints(plan, head ?? Infinity, signal);
  else await printOutline(plan, head, signal);
  return ExitCode.ok;
}

async function checkAllFiles({ points, files }: PlanOutline, signal: AbortSignal): Promise<void> {
  const { checkFiles } = await import('../sweep/plan/check-files.js');
  await checkFiles(points, files, signal);
}

async function printCount({ points }: PlanOutline, json: boolean, signal: AbortSignal): Promise<void> {
  const { countPoints } = await import('../sweep/plan/points.js');
  const number = await countPoints(points, signal);
  // JSON readers make doubles of numbers.
  const safe = number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : String(number);
  process.stdout.write(json ? `${JSON.stringify({ points: safe })}\n` : `${number}\n`);
}

async function printPoints({ points, files }: PlanOutline, head: number, signal: AbortSignal): Promise<void> {
  const lines = function* (): Generator<string> {
    for (const point of points.points()) {
      if (point.index >= head) return;
      const own = files.named(point);
      const all = [...files.common.map(({ source, name }) => ({ source, name })), ...own];
      const listed = all.length > 0 ? { files: all } : {};
      yield `${JSON.stringify({ point: point.index, parameters: point.parameters, ...listed })}\n`;
    }
  };
  await writeAll(lines(), signal);
}

/** Writes texts as fast as they are taken, and stops when nobody takes them any more. */
async function writeAll(texts: Iterable<string>, signal: AbortSignal): Promise<void> {
  const { stdout } = process;
  let waiting = '';
  const reader = { gone: false };
  const flush = async () => {
    const taken = stdout.write(waiting);
    waiting = '';
    // A reader that goes away is told as an error, which start.ts lets pass.
    if (!taken) await once(stdout, 'drain').catch(() => (reader.gone = true));
    // A Ctrl-C is heard between two turns only.
    await setImmediate();
    signal.throwIfAborted();
  };
  for (const text of texts) {
    waiting += text;
    if (waiting.length < 1 << 16) continue;
    await flush();
    if (reader.gone) return;
  }
  await flush();
}

/** Of a longer plan the first and the last points are shown. */
const [firstShown, lastShown] = [6, 3];
/** Beyond this many points those of a plan that is not counted yet stay uncounted. */
const mostCounted = 2_000_000n;

async function printOutline(plan: PlanOutline, head: number | undefined, signal: AbortSignal): Promise<void> {
  const { outlineText, pointTable } = await import('./plan-view.js');
  const { countPoints } = await import('../sweep/plan/points.js');
  const { points } = plan;
  if (!points.exact && points.count <= mostCounted) await countPoints(points, signal);
  const all = points.exact && points.count <= BigInt(firstShown + lastShown);
  const shown = take(points.points(), head ?? (all ? firstShown + lastShown : firstShown));
  const short = head === undefined && points.exact && !all;
  // Numbers beyond 2^53 are not exact, and nobody gets there.
  const last =
    short && points.count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(points.count) - lastShown : undefined;
  const end = last === undefined ? [] : take(points.points(last), lastShown);
  process.stdout.write(`${outlineText(plan)}\n${pointTable(plan, shown, end, process.stdout.columns)}`);
}

function take(points: Iterable<Point>, number: number): Point[] {
  const taken: Point[] = [];
  for (const point of points) if (taken.push(point) >= number) break;
  return taken;
}
