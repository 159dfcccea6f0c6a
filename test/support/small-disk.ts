import { execFile, execFileSync } from 'node:child_process';
import { type Outcome, gvaProgram } from './gva.js';

/** A file system in memory, of this size, at a folder that is there; seen by the command alone, and gone with it. */
export interface SmallDisk {
  readonly folder: string;
  /** As mount(8) takes it: `4M`. */
  readonly size: string;
  /** Links on it: path to target. */
  readonly links?: Readonly<Record<string, string>>;
}

const namespace = ['--map-root-user', '--mount', '--'];

/** Whether this user may mount in a namespace; what else to do is in the name of the test that cannot be run. */
export function canMount(): boolean {
  try {
    execFileSync('unshare', [...namespace, 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const script = `set -e
folder=$1 size=$2 links=$3
shift 3
mount -t tmpfs -o "size=$size" none "$folder"
eval "$links"
status=0
"$@" || status=$?
echo '== left'
find "$folder" -mindepth 1 -printf '%P\\n'
exit "$status"
`;

/** Runs `gva` with a small disk; `left` are the paths that are on it at the end. */
export function gvaOnSmallDisk(
  { folder, size, links = {} }: SmallDisk,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Outcome & { left: string[] }> {
  const link = Object.entries(links).map(([path, target]) => {
    const place = `'${folder}/${path}'`;
    return `mkdir -p "$(dirname ${place})"; ln -s '${target}' ${place}`;
  });
  const command = [process.execPath, gvaProgram, ...args];
  return new Promise((resolve) => {
    execFile(
      'unshare',
      [...namespace, 'sh', '-c', script, 'sh', folder, size, link.join('; '), ...command],
      { env: { ...process.env, NO_COLOR: '1', ...env }, timeout: 280_000 },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
        const [said = '', left = ''] = stdout.split('== left\n');
        resolve({ code, stdout: said, stderr, left: left.split('\n').filter(Boolean).sort() });
      },
    );
  });
}
