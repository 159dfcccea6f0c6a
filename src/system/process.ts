import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { ExitCode, GvaError, errnoOf } from './errors.js';

export interface ToolOptions {
  cwd?: string;
  /** Added to the environment of this process. */
  env?: Record<string, string>;
  signal?: AbortSignal;
  /** Bytes of standard output to accept; 64 MiB where absent. */
  maxOutput?: number;
}

/** The Debian package that has a tool, for hints. */
export const packageOfTool: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  'apt-cache': 'apt',
  'dpkg-deb': 'dpkg',
  mke2fs: 'e2fsprogs',
  mmdebstrap: 'mmdebstrap',
  lz4: 'lz4',
  xz: 'xz-utils',
  zstd: 'zstd',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-aarch64': 'qemu-system-arm',
  'linux.uml': 'user-mode-linux',
};

/** Administrators' tools are often outside an ordinary user's PATH. */
const searchPath = () =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(Boolean);

/** Full path of a program; undefined where there is none. */
export async function findProgram(name: string): Promise<string | undefined> {
  if (name.includes('/')) return (await isExecutable(name)) ? name : undefined;
  for (const folder of searchPath()) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Runs a tool to its end and gives its standard output as bytes. A tool that is missing, or ends with
 * anything but 0, is a GvaError (TOOL_MISSING, TOOL_FAILED) with what it said.
 */
export function runTool(name: string, args: readonly string[], options: ToolOptions = {}): Promise<Buffer> {
  const { cwd, env, signal, maxOutput = 64 << 20 } = options;
  return new Promise((resolve, reject) => {
    execFile(
      name,
      args,
      {
        ...(cwd === undefined ? {} : { cwd }),
        ...(signal === undefined ? {} : { signal }),
        env: { ...toolEnvironment(), ...env },
        encoding: 'buffer',
        maxBuffer: maxOutput,
      },
      (error, stdout, stderr) => {
        if (error) reject(signal?.aborted ? asError(signal.reason) : toolError(name, args, error, stderr));
        else resolve(stdout);
      },
    );
  });
}

/**
 * The child, as soon as it has been started. One that cannot be started may have no streams (EMFILE), and says why only
 * then: nothing of it may be used before.
 *
 * @throws Error why it could not be started, with its errno
 */
export async function whenStarted<Child extends ChildProcess>(child: Child): Promise<Child> {
  await once(child, 'spawn');
  return child;
}

/** What tools get of the environment: they speak English, and are found where administrators' tools are. */
export const toolEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: searchPath().join(delimiter),
  LC_ALL: 'C',
});

export const asError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)));

function toolError(name: string, args: readonly string[], error: Error, stderr: Buffer): GvaError {
  if (errnoOf(error) === 'ENOENT') return toolMissing(name);
  const said = stderr.toString().trim().split('\n').slice(-5).join('\n');
  return new GvaError('TOOL_FAILED', `${name} ${args.join(' ')} failed: ${said || error.message}`, {
    exitCode: ExitCode.infrastructure,
    cause: error,
  });
}

export function toolMissing(name: string): GvaError {
  const packageName = packageOfTool[name];
  return new GvaError('TOOL_MISSING', `the program ${name} is not installed`, {
    exitCode: ExitCode.infrastructure,
    ...(packageName ? { hint: `Install it: apt-get install ${packageName}` } : {}),
  });
}
