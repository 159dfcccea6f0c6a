import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Base } from '../base/store.js';
import type { ApplianceManifest } from '../model/appliance.js';
import type { GuestEvent } from '../model/guest-event.js';
import type { InstanceResult } from '../model/result.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { applianceFiles, resultFiles } from '../system/paths.js';
import { printable } from '../vmm/console-ring.js';
import type { ChosenVmm } from '../vmm/choose.js';
import { prepareAppliance } from './prepare.js';
import { runInstance } from './run.js';
import type { WatchLimits } from './watch.js';

/** Something that the guest contract asks for, and what is not so about it; kept where `problem` is absent. */
export interface ContractCheck {
  readonly what: string;
  readonly problem?: string;
}

export interface ContractReport {
  readonly kept: boolean;
  readonly checks: readonly ContractCheck[];
  /** Of the instance that was run. */
  readonly result: InstanceResult;
  /** Seconds from the start to the power-off. */
  readonly seconds: number;
}

export interface VerifyOptions {
  readonly cpus?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly limits: WatchLimits;
}

/**
 * Runs a small appliance on a base and compares events and results with what the guest contract says
 * (docs/guest-contract.md, sections 1 to 5). The base need not be published.
 *
 * @throws GvaError where the instance could not be run at all; what the base does not keep is in the report
 */
export async function verifyContract(
  base: Base,
  vmm: ChosenVmm,
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<ContractReport> {
  const work = await mkdtemp(join(tmpdir(), 'gva-verify-'));
  try {
    const source = await writeProbe(join(work, 'appliance'), base.name, options);
    const prepared = await prepareAppliance(source, base);
    const events: GuestEvent[] = [];
    const out = join(work, 'out');
    const result = await runInstance(
      {
        ...{ id: `verify-${process.pid}`, prepared, parameters: values, files: [], out, force: false },
        ...{ keep: 'files', keepDisks: false, limits: options.limits, durable: false },
      },
      vmm,
      (event) => {
        if (event.event === 'guest') events.push(event);
      },
      signal,
    );
    signal.throwIfAborted();
    const checks = await check(result, events, join(out, resultFiles.output));
    const kept = checks.every(({ problem }) => problem === undefined);
    return { kept, checks, result, seconds: result.times.poweredOff ?? 0 };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * @throws GvaError BASE_CONTRACT with all that the base does not keep
 */
export function requireKept({ checks, result }: ContractReport, base: string, help: string): void {
  const problems = checks.flatMap(({ what, problem }) =>
    problem === undefined ? [] : [`  ${what}: ${problem}`],
  );
  if (problems.length === 0) return;
  const silent = result.cause === 'boot-timeout';
  throw new GvaError(
    'BASE_CONTRACT',
    silent
      ? `${base} does not keep the guest contract: ${result.message ?? ''}`
      : `${base} does not keep the guest contract:\n${problems.join('\n')}`,
    { exitCode: ExitCode.infrastructure, hint: help },
  );
}

const values = { number: 12, text: 'two  words' } as const;

/** All that a script can see of the contract, in an order of ours. */
const probe = `#!/bin/sh
. /cdrom/params.sh
{
	echo "param $*"
	echo "params.sh $number,$text"
	echo "param.d $(cat /cdrom/param.d/text)"
	echo "params.json $(tr -d ' \\n' </cdrom/params.json)"
	echo "data $(cat /data/in)"
	echo "variables $GVA_CONTRACT $GVA_SCRIPT $GVA_APP $GVA_DATA $GVA_OUTPUT $GVA_CDROM"
	echo "folder $(pwd)"
	echo "user $(id -u)"
} >found
echo said
echo complained >&2
`;

const expected = [
  'param 12 two words',
  'params.sh 12,two  words',
  'param.d two  words',
  'params.json {"number":12,"text":"twowords"}',
  'data of the data disk',
  'variables 1 50-autorun /app /data /output /cdrom',
  'folder /output',
  'user 0',
];

async function writeProbe(folder: string, base: string, { cpus = 1, memory = 256 << 20 }: VerifyOptions) {
  const app = join(folder, applianceFiles.app);
  const data = join(folder, applianceFiles.data);
  for (const name of [app, data]) await mkdir(name, { recursive: true });
  await writeFile(join(app, 'probe'), probe);
  await chmod(join(app, 'probe'), 0o755);
  await writeFile(join(data, 'in'), 'of the data disk\n');
  const appliance: ApplianceManifest = {
    ...{ name: 'gva-verify', version: '1', base, hardware: { cpus, memory } },
    run: './probe $(cat /cdrom/param)',
    parameters: [
      { name: 'number', type: 'int' },
      { name: 'text', type: 'string' },
    ],
    output: { size: 16 << 20 },
  };
  return { kind: 'folder', appliance, folder } as const;
}

async function check(
  result: InstanceResult,
  events: readonly GuestEvent[],
  output: string,
): Promise<ContractCheck[]> {
  const find = (name: GuestEvent['name']) => events.find((event) => event.name === name);
  const field = (name: GuestEvent['name'], key: string) => find(name)?.fields[key];
  const labels = events.filter(({ name }) => name === 'medium').map(({ fields }) => fields['label']);
  const missing = ['GVA-APP', 'GVA-DATA', 'GVA-OUT', 'OVF ENV'].filter((label) => !labels.includes(label));
  const errors = events.filter(({ name }) => name === 'error').map(({ fields }) => fields['message'] ?? '');
  const text = async (path: string) => readFile(join(output, path), 'utf8').catch(() => '');
  const found = (await text('found')).trimEnd().split('\n');
  const wrong = expected.filter((line, index) => found[index] !== line);
  const logs = await Promise.all(
    ['stdout', 'stderr', 'status'].map((kind) => text(`.gva/50-autorun.${kind}`)),
  );
  const outcome = [field('done', 'scripts'), field('done', 'failed')].join(' ');
  return [
    one(
      'it says that it boots, and by what contract',
      field('boot', 'contract') !== '1',
      result.message ?? '',
    ),
    one('media are found by their labels', missing.length > 0, `not found: ${missing.join(', ')}`),
    one('it is ready when they are', !find('ready'), 'it did not say so'),
    one('it tells of no errors', errors.length > 0, errors.join('; ')),
    one('it runs the script', field('script-start', 'name') !== '50-autorun', 'it did not say so'),
    one('the script sees what it is to see', wrong.length > 0, `not as it should be: ${wrong.join('; ')}`),
    one('it tells how the script ended', field('script-end', 'status') !== '0', result.message ?? ''),
    one('it keeps what the script says', logs.join() !== 'said\n,complained\n,0\n', logs.join()),
    one('it says that it is done, and powers off', result.state !== 'done', result.message ?? ''),
    one('it counts the scripts', outcome !== '1 0', outcome),
  ];
}

/** A guest's text may be in the problem. */
const one = (what: string, failed: boolean, problem: string): ContractCheck =>
  failed ? { what, problem: printable(problem).slice(0, 500) } : { what };
