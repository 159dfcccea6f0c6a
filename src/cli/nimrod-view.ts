import type { ApplianceSource } from '../appliance/source.js';
import { basename } from 'node:path';
import { stringify } from 'yaml';
import type { NimrodTask } from '../sweep/plan/nimrod/task.js';
import type { PlanOutline } from '../sweep/plan/plan.js';
import { printable } from '../vmm/console-ring.js';

/**
 * What a Nimrod plan does at each point: without an appliance, the gva.yaml of one that would do the same; with one,
 * the commands of both.
 */
export function nimrodText(plan: PlanOutline, task: NimrodTask): string {
  if (plan.source)
    return section('The plan would run', task.commands) + section('The appliance runs', runOf(plan.source));
  const made = stringify(manifestOf(plan, task), { lineWidth: 0 });
  return `\nAn appliance for it: a folder with app/ (its programs) and this gva.yaml\n\n${indented(made)}`;
}

/** In a package the command lines have become a script. */
const runOf = (source: ApplianceSource) =>
  source.kind === 'folder' ? [source.appliance.run] : [`what ${source.path} has packed`];

const section = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? '' : `\n${title}\n${indented(lines.join('\n'))}`;

const indented = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${printable(line)}\n`)
    .join('');

/** Parameters become variables of the shell, and what is copied to the node lies in its working directory. */
function manifestOf({ name, parameters }: PlanOutline, { files, commands }: NimrodTask) {
  const copies = files.map((file) => {
    const target = file.name ?? file.source.split('/').at(-1) ?? '';
    return `cp -r "/cdrom/${target}" .`;
  });
  const steps = ['. /cdrom/params.sh', ...copies, ...commands];
  const entries = parameters.map(({ name: key, type, label }) => [
    key,
    { type, ...(label === undefined ? {} : { label }) },
  ]);
  return {
    name:
      basename(name)
        .replace(/\.[a-z]+$/i, '')
        .replace(/[^A-Za-z0-9._-]/g, '-')
        .replace(/^[^A-Za-z0-9]+/, '') || 'experiment',
    run: `${steps.join(' &&\n')}\n`,
    parameters: Object.fromEntries(entries) as unknown,
  };
}
