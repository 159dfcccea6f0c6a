import { execFile } from 'node:child_process';
import { type Outcome, gvaProgram } from './gva.js';

const namespace = ['--map-root-user', '--mount', '--'];

const script = `set -e
n=$1
shift
while [ "$n" -gt 0 ]; do
	mount --bind "$1" "$1"
	mount -o remount,bind,ro "$1"
	if touch "$1/.probe" 2>/dev/null; then exit 99; fi
	shift
	n=$((n - 1))
done
exec "$@"
`;

/** Runs `gva` where these folders cannot be written to, by anybody: mounted read-only, for the command alone. Needs `canMount()`. */
export function gvaReadOnly(
  folders: readonly string[],
  args: readonly string[],
  env: Record<string, string>,
): Promise<Outcome> {
  const command = [process.execPath, gvaProgram, ...args];
  return new Promise((resolve) => {
    execFile(
      'unshare',
      [...namespace, 'sh', '-c', script, 'sh', String(folders.length), ...folders, ...command],
      { env: { ...process.env, NO_COLOR: '1', ...env }, timeout: 280_000 },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
        resolve({ code, stdout, stderr });
      },
    );
  });
}
