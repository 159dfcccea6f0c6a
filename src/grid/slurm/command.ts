import { shellWord } from '../../system/shell-word.js';
import { checkArray } from '../check-array.js';
import { elementScript } from '../element-script.js';
import { type GridOptions, type GridResources, type JobArray, elementVariables } from '../engine.js';
import { checkExtraOptions } from './extra-options.js';

/** What submits an array: a command, and the batch script that it reads from its standard input. */
export interface Submission {
  readonly command: readonly string[];
  readonly script: string;
}

/**
 * The command and the script for an array.
 *
 * - A person's own options come behind those that they may want to replace (resources, queues), and before those
 *   without which an element would not be what GVA takes it for.
 * - No `--signal`: at a time limit, the script gets TERM, and KILL after the grid's KillWait (30 s, as a rule). With a
 *   warning of our own, a script that ends then has FAILED, not TIMEOUT (seen with 22.05).
 * - No `--requeue`: an element is tried again under another name, so that no two are taken for one.
 *
 * @throws GvaError GRID_OPTIONS
 */
export function submission(array: JobArray): Submission {
  checkArray(array);
  const { options, logs } = array;
  checkExtraOptions(options.extra ?? []);
  const throttle = array.atOnce === undefined ? '' : `%${array.atOnce}`;
  return {
    command: [
      'sbatch',
      ...resourceOptions(array.resources),
      ...queueOptions(options),
      ...(array.exclude.length === 0 ? [] : [`--exclude=${array.exclude.join(',')}`]),
      ...(options.extra ?? []),
      ...afterOption(array.after),
      '--parsable',
      `--job-name=${array.name}`,
      `--array=0-${array.elements - 1}${throttle}`,
      '--nodes=1',
      '--ntasks=1',
      '--no-requeue',
      // A folder that a node does not have is replaced without a word by another.
      '--chdir=/',
      '--export=NONE',
      '--open-mode=append',
      `--output=${outputPattern(logs)}`,
    ],
    script: batchScript(array),
  };
}

/** The submission as a person could type it. */
export function describeSubmission(array: JobArray): string {
  const { command, script } = submission(array);
  return `${command.map(shellWord).join(' ')} <<'END-OF-SCRIPT'\n${script}END-OF-SCRIPT\n`;
}

/** A job of another cluster cannot be waited for; those of one sweep are of one cluster. */
function afterOption(jobs: readonly string[] = []): string[] {
  const numbers = jobs.map((job) => job.split(';')[0]);
  return numbers.length === 0 ? [] : [`--dependency=afterany:${numbers.join(':')}`];
}

function resourceOptions({ cpus, memory, seconds }: GridResources): string[] {
  return [
    `--cpus-per-task=${cpus}`,
    `--mem=${Math.ceil(memory / 2 ** 20)}M`,
    // Slurm counts in minutes.
    ...(seconds === undefined ? [] : [`--time=${Math.max(1, Math.ceil(seconds / 60))}`]),
  ];
}

function queueOptions({ partition, account, qos, constraint }: GridOptions): string[] {
  return Object.entries({ partition, account, qos, constraint }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
}

/**
 * The name of an element's log as Slurm's pattern: `%%` is "%", and `%4a` the element's number with four digits. One
 * backslash anywhere makes Slurm take all of it literally, so the script itself must open such a log.
 */
function outputPattern(logs: string): string {
  return logs.includes('\\') ? '/dev/null' : `${logs.replaceAll('%', '%%')}/e%4a.log`;
}

function batchScript(array: JobArray): string {
  const { logs, resources } = array;
  const ownLog = logs.includes('\\')
    ? [`exec >>${shellWord(logs)}/"$(printf 'e%04d.log' "$SLURM_ARRAY_TASK_ID")" 2>&1 || exit`]
    : [];
  return [
    '#!/bin/sh',
    ...ownLog,
    'GVA_ELEMENT=$SLURM_ARRAY_TASK_ID',
    'GVA_JOB=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID',
    // What uname says is the same for all nodes that one machine plays.
    'GVA_NODE=${SLURMD_NODENAME:-$(uname -n)}',
    'GVA_RESTARTS=${SLURM_RESTART_COUNT:-0}',
    `GVA_CPUS=\${SLURM_CPUS_ON_NODE:-${resources.cpus}}`,
    // MiB; 0 is all that the node has.
    'memory=${SLURM_MEM_PER_NODE:-$((${SLURM_MEM_PER_CPU:-0} * GVA_CPUS))}',
    'GVA_MEMORY=',
    '[ "$memory" -eq 0 ] || GVA_MEMORY=$((memory * 1048576))',
    `export ${elementVariables.join(' ')}`,
    ...elementScript(array),
    '',
  ].join('\n');
}
