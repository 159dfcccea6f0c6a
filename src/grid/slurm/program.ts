import { execFile } from 'node:child_process';
import { ExitCode, GvaError, errnoOf } from '../../system/errors.js';

/** How a command of Slurm's ended. */
export interface ProgramEnd {
  /** Undefined where a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  /** What it said, in one line, without its name before it. */
  readonly said: string;
  /** It was killed after the time that it had. */
  readonly timedOut: boolean;
}

export type SlurmProgram = 'sbatch' | 'squeue' | 'scancel' | 'scontrol' | 'sacct' | 'sacctmgr';

export interface ProgramOptions {
  /** Until it is killed. */
  readonly seconds: number;
  readonly input?: string;
  /** Added to what it gets of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Runs commands of Slurm's to their ends; another one may be passed in by tests. */
export type RunProgram = (
  name: SlurmProgram,
  args: readonly string[],
  options: ProgramOptions,
) => Promise<ProgramEnd>;

/**
 * Runs a command of Slurm's to its end.
 *
 * @throws GvaError GRID_MISSING where it is not installed; the signal's reason, when it has been killed
 */
export const runSlurm: RunProgram = (name, args, { seconds, input = '', env, signal }) => {
  if (signal.aborted) return Promise.reject(asError(signal.reason));
  return new Promise((resolve, reject) => {
    const child = execFile(
      name,
      args,
      {
        env: { ...slurmEnvironment(process.env), ...env },
        timeout: seconds * 1000,
        // It holds nothing that it would have to tidy up.
        killSignal: 'SIGKILL',
        signal,
        // 4,000,000 elements, at the very most.
        maxBuffer: 1 << 29,
      },
      (error, stdout, stderr) => {
        if (signal.aborted) reject(asError(signal.reason));
        else if (errnoOf(error) === 'ENOENT') reject(missing(`${name} is not installed`));
        else if (error && typeof error.code === 'string') reject(asError(error));
        else resolve(programEnd(error, stdout, stderr));
      },
    );
    // It may end before it has read anything.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
};

const asError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)));

function programEnd(
  error: { code?: unknown; killed?: boolean } | null,
  stdout: string,
  stderr: string,
): ProgramEnd {
  const status = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
  const lines = stderr.split('\n').map((line) => line.trim().replace(/^\w+: (error|fatal): /, ''));
  return { status, stdout, said: lines.filter(Boolean).join('; '), timedOut: error?.killed === true };
}

/** What the commands need to find the cluster, and nothing else: a queue or format of somebody's would change theirs. */
const kept = new Set([
  // Of sites without /etc/slurm, and of several clusters.
  'SLURM_CONF',
  // Which of the clusters of a site: all commands take it alike, and sites set it in everybody's profile.
  'SLURM_CLUSTERS',
  // Where tokens say who one is (auth/jwt).
  'SLURM_JWT',
]);

/** Variables of Slurm's that are options of its commands, or of a job that this process itself is part of. */
const isSlurms = (name: string) => /^(SLURM|SBATCH|SQUEUE|SCANCEL|SCONTROL|SACCT|SINFO|SALLOC)_/.test(name);

/** The variables that were in the environment and that no command got. */
export const ignoredVariables = (environment: NodeJS.ProcessEnv): string[] =>
  Object.keys(environment).filter((name) => isSlurms(name) && !kept.has(name));

export function slurmEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ignored = new Set(ignoredVariables(environment));
  const others = Object.entries(environment).filter(([name]) => !ignored.has(name));
  return { ...Object.fromEntries(others), LC_ALL: 'C' };
}

function missing(what: string): GvaError {
  return new GvaError('GRID_MISSING', `there is no Slurm here: ${what}`, {
    hint: 'Do this on a login node of the cluster, or without a cluster: --grid local',
    exitCode: ExitCode.infrastructure,
  });
}

/** An error for a command that failed, or did not end. Nothing is known then, and nothing has changed. */
export function silent(name: SlurmProgram, { said, timedOut, status }: ProgramEnd): GvaError {
  if (/configuration (file|source)|cannot stat file/.test(said)) return missing(said);
  const how = timedOut ? 'it does not answer' : said !== '' ? said : `it ended with status ${status}`;
  return new GvaError('GRID_SILENT', `${name}: ${how}`, {
    hint: 'The cluster may be busy, or its controller down. What was submitted goes on.',
    exitCode: ExitCode.infrastructure,
  });
}
