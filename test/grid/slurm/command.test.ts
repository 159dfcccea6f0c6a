import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { JobArray } from '../../../src/grid/engine.js';
import { describeSubmission, submission } from '../../../src/grid/slurm/command.js';
import { temporaryFolder } from '../../support/gva.js';

const array: JobArray = {
  name: 'gva-squares-C0001',
  elements: 100,
  command: ['/opt/node', '/home/u/gva', 'run', '--spec', '/home/u/my sweep/e'],
  logs: '/home/u/my sweep/logs',
  resources: { cpus: 2, memory: (300 << 20) + 1, seconds: 601 },
  exclude: [],
  options: {},
};

const script = `#!/bin/sh
GVA_ELEMENT=$SLURM_ARRAY_TASK_ID
GVA_JOB=\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
GVA_NODE=\${SLURMD_NODENAME:-$(uname -n)}
GVA_RESTARTS=\${SLURM_RESTART_COUNT:-0}
GVA_CPUS=\${SLURM_CPUS_ON_NODE:-2}
memory=\${SLURM_MEM_PER_NODE:-$((\${SLURM_MEM_PER_CPU:-0} * GVA_CPUS))}
GVA_MEMORY=
[ "$memory" -eq 0 ] || GVA_MEMORY=$((memory * 1048576))
export GVA_ELEMENT GVA_JOB GVA_NODE GVA_RESTARTS GVA_CPUS GVA_MEMORY
cd / || exit
exec /opt/node /home/u/gva run --spec '/home/u/my sweep/e'
`;

const behind = [
  ...['--parsable', '--job-name=gva-squares-C0001', '--array=0-99', '--nodes=1', '--ntasks=1'],
  ...['--no-requeue', '--chdir=/', '--export=NONE', '--open-mode=append'],
  '--output=/home/u/my sweep/logs/e%4a.log',
];

describe('what is submitted', () => {
  it('the plainest', () => {
    expect(submission({ ...array, resources: { ...array.resources, seconds: undefined } })).toEqual({
      command: ['sbatch', '--cpus-per-task=2', '--mem=301M', ...behind],
      script,
    });
  });

  it('behind other arrays, of whatever cluster', () => {
    const { command } = submission({ ...array, after: ['17', '18;north'] });
    expect(command).toContain('--dependency=afterany:17:18');
  });

  it('with all that can be said', () => {
    const options = { partition: 'a,b', account: 'physics', qos: 'low', constraint: 'x&y' };
    const all = submission({
      ...array,
      atOnce: 7,
      exclude: ['n1', 'n2'],
      options: { ...options, extra: ['--mem=1G', '--exclusive'], setup: '  module load qemu\n\n' },
    });
    expect(all.command).toEqual([
      ...['sbatch', '--cpus-per-task=2', '--mem=301M', '--time=11', '--partition=a,b', '--account=physics'],
      ...['--qos=low', '--constraint=x&y', '--exclude=n1,n2', '--mem=1G', '--exclusive'],
      ...behind.map((word) => (word.startsWith('--array') ? `${word}%7` : word)),
    ]);
    expect(all.script).toBe(
      script.replace(
        'exec ',
        `[ ! -r /etc/profile ] || . /etc/profile
{
module load qemu
} || { echo 'gva: the setup of this site (grid.setup) failed' >&2; exit 78; }
exec `,
      ),
    );
  });

  it('a folder of logs that Slurm would read something into', () => {
    const output = (logs: string) => submission({ ...array, logs }).command.at(-1);
    expect(output('/a b/100%a')).toBe('--output=/a b/100%%a/e%4a.log');
    expect(output('/a\\b')).toBe('--output=/dev/null');
    expect(submission({ ...array, logs: "/a\\b'" }).script.split('\n')[1]).toBe(
      `exec >>'/a\\b'\\'''/"$(printf 'e%04d.log' "$SLURM_ARRAY_TASK_ID")" 2>&1 || exit`,
    );
  });

  it('a minute is the least that Slurm can give', () => {
    const timeOf = (seconds: number) =>
      submission({ ...array, resources: { ...array.resources, seconds } }).command[3];
    expect([1, 60, 61].map(timeOf)).toEqual(['--time=1', '--time=1', '--time=2']);
  });

  it.each([
    ['--array=1-2', '--array'],
    ['--arr=1-2', '--array'],
    ['--wait', '--wait'],
    ['--requeue', '--requeue'],
    ['--outp=x', '--output'],
    ['--clusters=c', '--clusters'],
    ['job.sh', 'job.sh'],
    ['-pmain', '-pmain'],
    ['--', '--'],
    ['', '""'],
    ['--Mem=1', '--Mem'],
  ])('%s of a person is not passed on', (word, said) => {
    const extra = ['--exclusive', word];
    expect(() => submission({ ...array, options: { extra } })).toThrow(
      expect.objectContaining({ code: 'GRID_OPTIONS', message: expect.stringContaining(said) as string }),
    );
  });

  it.each<[string, Partial<JobArray>]>([
    ['name', { name: 'a,b' }],
    ['number of elements', { elements: 0 }],
    ['number at once', { atOnce: 0.5 }],
    ['program', { command: ['node'] }],
    ['command', { command: [] }],
    ['word', { command: ['/bin/echo', 'a\0b'] }],
    ['folder', { logs: 'logs' }],
    ['memory', { resources: { cpus: 1, memory: NaN, seconds: undefined } }],
  ])('no such %s', (_, change) => {
    expect(() => submission({ ...array, ...change })).toThrow('job array');
  });
});

describe('the batch script, run by a shell', () => {
  async function said(change: Partial<JobArray>, env: Record<string, string>): Promise<string> {
    const { script } = submission({ ...array, ...change });
    return (await promisify(execFile)('/bin/sh', ['-c', script], { env })).stdout;
  }
  const command = ['/bin/sh', '-c', 'echo "$GVA_NODE $GVA_RESTARTS $GVA_CPUS $GVA_MEMORY"'];
  const slurm = { SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_JOB_ID: '17', SLURMD_NODENAME: 'n2' };

  it('memory by node, by processor, all there is, and not said', async () => {
    const cpus = { ...slurm, SLURM_CPUS_ON_NODE: '4', SLURM_RESTART_COUNT: '1' };
    expect(await said({ command }, { ...cpus, SLURM_MEM_PER_NODE: '512' })).toBe(`n2 1 4 ${512 << 20}\n`);
    expect(await said({ command }, { ...cpus, SLURM_MEM_PER_CPU: '100' })).toBe(`n2 1 4 ${400 << 20}\n`);
    expect(await said({ command }, { ...cpus, SLURM_MEM_PER_NODE: '0' })).toBe('n2 1 4 \n');
    expect(await said({ command }, slurm)).toBe('n2 0 2 \n');
  });

  it('opens a log that Slurm cannot name', async () => {
    await using folder = await temporaryFolder();
    const logs = join(folder.path, `a\\b ' "\n%a`);
    await mkdir(logs);
    expect(await said({ logs, command: ['/bin/echo', 'hello'] }, slurm)).toBe('');
    expect(await readFile(join(logs, 'e0003.log'), 'utf8')).toBe('hello\n');
  });

  it('what people are shown does what it says', async () => {
    await using folder = await temporaryFolder();
    const text = describeSubmission({
      ...array,
      logs: `${folder.path}/a 'b`,
      command: ['/bin/echo', "it's"],
    });
    // In place of sbatch: its arguments, and what it reads.
    const shell = `sbatch() { printf '<%s>' "$@"; cat; }\n${text}`;
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', shell]);
    expect(stdout).toContain(`<--output=${folder.path}/a 'b/e%4a.log>#!/bin/sh\n`);
    expect(stdout).toContain(`\nexec /bin/echo 'it'\\''s'\n`);
  });
});
