import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { messageColours as pc } from './colours.js';
import { scriptOutput } from '../instance/collect.js';
import type { Appliance } from '../model/appliance.js';
import { progressOf } from '../model/guest-event.js';
import type { InstanceEvent } from '../model/instance-event.js';
import type { InstanceResult } from '../model/result.js';
import { resultFiles } from '../system/paths.js';
import { formatDuration, formatSize } from '../system/units.js';
import type { ChosenVmm } from '../vmm/choose.js';
import { ConsoleRing, printable } from '../vmm/console-ring.js';

/** What a person sees of one run: a line per step, on standard error. */
export class RunView {
  readonly #quiet: boolean;

  constructor(appliance: Appliance, vmm: ChosenVmm, quiet: boolean) {
    this.#quiet = quiet;
    const { driver, probe } = vmm;
    this.#say(
      `${appliance.name} ${appliance.version} under ${driver.name} ${probe.version} (${probe.accelerator})`,
    );
  }

  note(text: string): void {
    this.#say(pc.dim(text));
  }

  event(event: InstanceEvent): void {
    const step = describeStep(event);
    if (step !== undefined) this.#say(`${event.time.toFixed(2).padStart(8)} s  ${printable(step)}`);
  }

  /** The end, and, where it went wrong, what helps to find the cause. */
  async end(result: InstanceResult, out: string): Promise<void> {
    if (result.state === 'cancelled') {
      const left =
        result.cause === 'checkpointed'
          ? `saved: gva resume ${result.instance}`
          : 'cancelled: nothing was kept';
      this.#say(pc.yellow(left));
      return;
    }
    const total = formatDuration(result.times.collected ?? 0);
    if (result.state === 'done')
      this.#say(`${pc.green('done')} in ${total}: ${describeOutput(result)} in ${out}/output`);
    else await this.#explain(result, out);
  }

  async #explain(result: InstanceResult, out: string): Promise<void> {
    console.error(`${pc.red(`${result.state}:`)} ${result.message ?? ''}`);
    const failed = result.scripts.find(({ status }) => status !== 0);
    if (failed)
      for (const kind of ['stdout', 'stderr'] as const) {
        const lines = await scriptOutput(join(out, resultFiles.output), failed.name, kind);
        if (lines.length > 0) showLines(`${kind} of ${printable(failed.name)}`, lines);
      }
    if (result.state === 'lost') showLines('last lines of the console', await consoleTail(out));
    console.error(
      `${pc.cyan('hint:')} all that is known is in ${out}/: result.json, console.log, events.jsonl, output/`,
    );
  }

  #say(line: string): void {
    if (!this.#quiet) console.error(line);
  }
}

function describeStep(event: InstanceEvent): string | undefined {
  if (event.event === 'staged') return describeStart(event);
  if (event.event === 'resumed') return `goes on from the checkpoint of ${event.takenAt}`;
  if (event.event === 'checkpointed')
    return `checkpoint taken: ${formatSize(event.bytes)}, the guest stood still for ${event.pause} s`;
  if (event.event === 'powered-off') return 'powered off';
  if (event.event === 'collected') return 'output collected';
  if (event.event !== 'guest') return undefined;
  const { name, fields } = event;
  if (name === 'wake') return 'guest is awake';
  if (name === 'boot') return `guest is up (kernel ${fields['kernel'] ?? '?'})`;
  if (name === 'script-start') return `${fields['name'] ?? '?'} started`;
  if (name === 'script-end') return `${fields['name'] ?? '?'} ended with status ${fields['status'] ?? '?'}`;
  if (name === 'heartbeat') return 'running';
  if (name === 'progress') return `progress ${percent(fields['fraction'])} ${fields['text'] ?? ''}`.trimEnd();
  if (name === 'message') return `message: ${fields['text'] ?? ''}`;
  if (name === 'insert') return `a medium was inserted: number ${fields['id'] ?? '?'}`;
  if (name === 'insert-script-end')
    return `${fields['name'] ?? '?'} of it ended with status ${fields['status'] ?? '?'}`;
  if (name === 'error') return `guest: ${fields['message'] ?? ''}`;
  return undefined;
}

const percent = (fraction = '') => {
  const { fraction: known } = progressOf({ fraction });
  return known === undefined ? '' : `${Math.round(100 * known)}%`;
};

function describeStart({ start, reason }: Extract<InstanceEvent, { event: 'staged' }>): string {
  if (start === 'warm') return 'media ready, machine started warm';
  return `media ready, machine started${reason === undefined ? '' : ` cold: ${reason}`}`;
}

function describeOutput({ output }: InstanceResult): string {
  const files = output?.files ?? 0;
  const findings = output?.findings.length ?? 0;
  const noted = findings > 0 ? pc.yellow(`, ${findings} findings in result.json`) : '';
  return `${files} file${files === 1 ? '' : 's'}, ${formatSize(output?.bytes ?? 0)}${noted}`;
}

async function consoleTail(out: string): Promise<string[]> {
  const ring = new ConsoleRing();
  ring.append(await readFile(join(out, resultFiles.console)).catch(() => Buffer.alloc(0)));
  return ring.lastLines(12);
}

function showLines(title: string, lines: readonly string[]): void {
  console.error(pc.dim(`--- ${title}`));
  for (const line of lines) console.error(printable(line));
  console.error(pc.dim('---'));
}
