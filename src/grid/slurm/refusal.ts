import { ExitCode, GvaError } from '../../system/errors.js';
import { SubmissionUncertain } from '../engine.js';
import { type ProgramEnd, ignoredVariables, silent } from './program.js';

/** The controller has not got the request. */
const notReached =
  /Unable to contact slurm controller|Unable to establish controller machine|standby mode|munge|authentication (error|plugin)|is shutting down|configuration (file|source)|cannot stat file/i;

/** The controller may have got it, and its answer is missing. */
const unanswered =
  /timed out|Zero Bytes|Unexpected message|Connection (reset|refused|closed)|Transport endpoint|(send|receive|recv|read|write|communication)[^;]*(failure|failed|error|shutdown)|Interrupted system call|Broken pipe/i;

/** As many jobs as Slurm keeps (MaxJobCount), or as the association or QOS may have: it will take some later. */
const full =
  /temporarily unable to accept job|Resource temporarily unavailable|MaxSubmitJob|GrpSubmitJob|job submit limit reached/i;

/** What helps, by what Slurm says. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/account/i, 'Say an account of yours: --account NAME (sacctmgr show assoc user=$USER lists them)'],
  [/partition/i, 'Choose one that sinfo lists: --partition NAME'],
  [/qos/i, 'Say a quality of service that you may use: --qos NAME'],
  [/time ?limit/i, 'Ask for less time (--time), or for another partition.'],
  [/memory/i, 'Ask for less memory, or for another partition.'],
  [/node name/i, 'A node to be avoided is not there any more.'],
  [/feature/i, 'Say a feature that sinfo -o %f lists: --constraint NAME'],
  [/node configuration/i, 'No node has as many processors and as much memory: sinfo -o "%n %c %m"'],
  [/array specification/i, 'The cluster takes no arrays of that size (MaxArraySize).'],
];

/** What an sbatch that has given no job means: see `GridEngine.submit`. */
export function submissionError(end: ProgramEnd, environment: NodeJS.ProcessEnv): GvaError {
  const { said, status, timedOut } = end;
  if (full.test(said))
    return new GvaError('GRID_FULL', `the grid takes no more jobs for now: ${said}`, {
      exitCode: ExitCode.infrastructure,
    });
  if (timedOut || status === undefined || status === 0 || unanswered.test(said))
    return new SubmissionUncertain(`nobody knows whether sbatch submitted: ${said || 'it did not say'}`);
  if (notReached.test(said)) return silent('sbatch', end);
  const hint = [hints.find(([words]) => words.test(said))?.[1], ignoredHint(environment)].filter(Boolean);
  return new GvaError('GRID_REFUSED', `Slurm refuses: ${said}`, {
    ...(hint.length === 0 ? {} : { hint: hint.join('\n') }),
  });
}

/** Who is used to such defaults will miss them. */
function ignoredHint(environment: NodeJS.ProcessEnv): string {
  const ignored = ignoredVariables(environment).filter((name) => name.startsWith('SBATCH_'));
  return ignored.length === 0 ? '' : `These are not taken from the environment: ${ignored.join(', ')}`;
}
