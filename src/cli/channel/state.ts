import type { Command } from 'commander';
import { ExitCode, GvaError } from '../../system/errors.js';
import { formatSize } from '../../system/units.js';
import { act, printJson } from '../action.js';
import { connectGuest, findInstance } from './connect.js';

export function addStatCommand(program: Command): void {
  program
    .command('stat')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .description('tell how the guest of an instance is doing: uptime, load, memory, disks')
    .option('--json', 'print it as one JSON document on standard output, and nothing else')
    .addHelpText(
      'after',
      '\nExamples:\n  gva stat fold-4711\n  gva stat fold-4711 --json | jq .memory.available',
    )
    .action((instance: string, { json = false }: { json?: boolean }) =>
      act(json, () => show(instance, json)),
    );
}

const question = 'cat /proc/uptime /proc/loadavg /proc/meminfo; df -Pk / /output 2>/dev/null';

interface GuestState {
  /** Seconds. */
  readonly uptime: number;
  /** Of the last 1, 5 and 15 minutes. */
  readonly load: readonly number[];
  /** Bytes. */
  readonly memory: { readonly total: number; readonly available: number };
  readonly disks: readonly { readonly folder: string; readonly size: number; readonly free: number }[];
}

async function show(name: string, json: boolean): Promise<ExitCode> {
  const guest = await connectGuest(name);
  const state = parse(await guest.ask('sh', '-c', question));
  if (json) printJson(state);
  else {
    const { uptime, load, memory, disks } = state;
    const lines = [
      `uptime    ${uptime.toFixed(0)} s`,
      `load      ${load.map((value) => value.toFixed(2)).join(' ')}`,
      `memory    ${formatSize(memory.available)} of ${formatSize(memory.total)} available`,
      ...disks.map(
        ({ folder, size, free }) => `disk      ${folder}: ${formatSize(free)} of ${formatSize(size)} free`,
      ),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return ExitCode.ok;
}

/** What is missing in the answer, which a guest may make up, is 0. */
export function parse(answer: string): GuestState {
  const [uptime = '', load = '', ...rest] = answer.split('\n');
  const number = (text = '') => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : 0);
  const memory = (field: string) =>
    number(new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(answer)?.[1]) * 1024;
  const disks = rest.flatMap((line) => {
    const [, size, , free, , folder] = line.split(/ +/);
    return folder === '/' || folder === '/output'
      ? [{ folder, size: number(size) * 1024, free: number(free) * 1024 }]
      : [];
  });
  return {
    uptime: number(uptime.split(' ')[0]),
    load: load.split(' ').slice(0, 3).map(number),
    memory: { total: memory('MemTotal'), available: memory('MemAvailable') },
    disks,
  };
}

export function addShutdownCommand(program: Command): void {
  program
    .command('shutdown')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .description('ask the scripts of an instance to end; what they have written comes home')
    .addHelpText(
      'after',
      '\nExamples:\n  gva shutdown fold-4711\n\nThe script gets SIGTERM, and counts as failed where it ends by that. An instance with --keep-running ends, too.',
    )
    .action((instance: string) => act(false, () => shutdown(instance)));
}

/**
 * What GVAD runs has its temporary script in its command line; of what that has started, GVAD ends the rest. Between two
 * scripts, and before GVAD has said that it is idle, there is neither for a moment.
 */
const endScripts = `
# GVAD ends whoever is in /output when the scripts have ended.
cd /
look() {
	for process in /proc/[0-9]*; do
		[ "\${process#/proc/}" != $$ ] || continue
		words=$({ tr '\\000' ' ' <"$process/cmdline"; } 2>/dev/null)
		case $words in */gvad.*/script*) kill -s TERM "\${process#/proc/}" && found=1 ;; esac
	done
	[ -n "\${found:-}" ] || [ -e /run/gva/idle ]
}
tries=50
until look; do
	[ $((tries -= 1)) -gt 0 ] || { echo 'no script runs' >&2; exit 1; }
	sleep 0.1
done
mkdir -p /run/gva && : >/run/gva/end`;

async function shutdown(name: string): Promise<ExitCode> {
  const { agent, plain, ...instance } = await findInstance(name);
  if (agent && plain) {
    const { tellAgent } = await import('../../instance/control/client.js');
    await tellAgent(instance, 'power-off');
    return ExitCode.ok;
  }
  const guest = await connectGuest(name);
  await guest.ask('sh', '-c', endScripts).catch((error: unknown) => {
    // The machine may be gone before its answer is here.
    if (!(error instanceof GvaError) || error.code !== 'CHANNEL') throw error;
  });
  return ExitCode.ok;
}

export function addStopEarlyCommand(program: Command): void {
  program
    .command('stop-early')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .description('ask the application of an instance to come to an end with what it has')
    .addHelpText(
      'after',
      '\nExamples:\n  gva stop-early fold-4711\n\nThe file /run/gva/stop appears in the guest. What does not look for it goes on.',
    )
    .action((instance: string) => act(false, () => stopEarly(instance)));
}

async function stopEarly(name: string): Promise<ExitCode> {
  const guest = await connectGuest(name);
  await guest.ask('sh', '-c', 'mkdir -p /run/gva && : >/run/gva/stop');
  return ExitCode.ok;
}

export function addTimeSyncCommand(program: Command): void {
  program
    .command('time-sync')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .description("set the clock of an instance's guest to that of this machine")
    .addHelpText('after', '\nExamples:\n  gva time-sync fold-4711')
    .action((instance: string) => act(false, () => synchronize(instance)));
}

async function synchronize(name: string): Promise<ExitCode> {
  const instance = await findInstance(name);
  if (instance.agent) {
    const { tellAgent } = await import('../../instance/control/client.js');
    await tellAgent(instance, 'set-time');
    return ExitCode.ok;
  }
  const guest = await connectGuest(name);
  await guest.ask('date', '-u', '-s', `@${Math.round(Date.now() / 1000)}`);
  return ExitCode.ok;
}
