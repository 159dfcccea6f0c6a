import { readFile, readlink, realpath } from 'node:fs/promises';
import { homedir, platform } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { ensureFolder, writeFileAtomically } from '../system/files.js';
import { probeFiles, probesFolder } from '../system/paths.js';
import { findProgram } from '../system/process.js';
import { type Bubblewrap, type HostView, confinedCommand } from './bubblewrap.js';
import { printable } from './console-ring.js';
import { askCommand } from './doctor/ask.js';
import { probeKey } from './qemu/kvm-probe.js';
import type { VmmCommand } from './supervisor.js';
import { systemCallFilter } from './system-call-filter.js';

/** How a program can be confined here, or why it cannot. */
export type Confinement =
  ({ readonly works: true } & Bubblewrap) | { readonly works: false; readonly reason: string };

type Program = Pick<VmmCommand, 'program' | 'env'>;

/**
 * Whether bubblewrap works for this program on this host: as it is known for this boot, these programs and
 * this process's rights, or is tried now, by having the program tell its version.
 *
 * @param fresh tries again what is known
 */
export async function findConfinement({ program, env = {} }: Program, fresh = false): Promise<Confinement> {
  if (platform() !== 'linux') return { works: false, reason: 'bubblewrap is for Linux only' };
  const bwrap = await findProgram('bwrap');
  if (bwrap === undefined) return { works: false, reason: 'bubblewrap is not installed' };
  const view = await viewFor(program, env);
  const file = await answerFile(bwrap, view).catch(() => undefined);
  const known = file === undefined || fresh ? undefined : await readAnswer(file);
  const answer = known ?? (await tryModes(bwrap, view, env));
  // A cache that cannot be written to costs time, nothing else.
  if (!known && file !== undefined) await keep(file, answer).catch(() => undefined);
  if (answer.mode === undefined) return { works: false, reason: answer.reason };
  return { works: true, ...bubblewrapIn(modes()[answer.mode], bwrap, view) };
}

interface Mode {
  readonly options: readonly string[];
  readonly filter: Buffer | undefined;
}

/**
 * What to try, the better first. An ordinary user needs a user namespace, which is the last one then. Root does without:
 * with all capabilities gone, it could not read what belongs to others through one. A kernel may have no filters.
 */
function modes(): readonly Mode[] {
  const root = process.getuid?.() === 0;
  const options = root ? [[], ['--unshare-user']] : [['--unshare-user', '--disable-userns'], []];
  const filter = systemCallFilter();
  return [...(filter ? [filter] : []), undefined].flatMap((each) =>
    options.map((some) => ({ options: some, filter: each })),
  );
}

const bubblewrapIn = (mode: Mode | undefined, bwrap: string, view: HostView): Bubblewrap => ({
  bwrap,
  host: { ...view, options: mode?.options ?? [] },
  filter: mode?.filter,
});

/** Milliseconds that a program has to tell its version. */
const trialLimit = 10_000;

/** `lasting`: it would be the same another time, for nothing better was only not done in time. */
type Answer = { readonly lasting: boolean } & (
  { readonly mode: number } | { readonly mode?: undefined; readonly reason: string }
);

async function tryModes(bwrap: string, view: HostView, env: VmmCommand['env']): Promise<Answer> {
  let reason = 'bubblewrap does not answer';
  let lasting = true;
  const version = { program: view.program, args: ['--version'], env: { ...env, LC_ALL: 'C' } };
  const reach = { readable: [], writable: [], memory: true };
  for (const [number, mode] of modes().entries()) {
    const command = confinedCommand(version, reach, bubblewrapIn(mode, bwrap, view));
    const { status, text } = await askCommand(command, trialLimit);
    if (status === 0) return { mode: number, lasting };
    if (status === null) {
      lasting = false;
      continue;
    }
    const [said = `status ${status}`] = text.trim().split('\n').slice(-1);
    reason = `bubblewrap does not work here (${printable(said)})`;
  }
  return { reason, lasting };
}

async function viewFor(program: string, env: NonNullable<VmmCommand['env']>): Promise<HostView> {
  const { folders, links } = await systemFolders();
  const isSystem = (path: string) => folders.some((folder) => path.startsWith(`${folder}/`));
  const real = await realpath(program).catch(() => program);
  const libraries = libraryFolders(env['LD_LIBRARY_PATH'] ?? process.env['LD_LIBRARY_PATH'] ?? '');
  const programFiles = [real, ...besideProgram(real), ...libraries].filter((path) => !isSystem(path));
  return { program: real, programFiles: [...new Set(programFiles)], folders, links, options: [] };
}

/** What belongs to a program that is installed below any prefix (`--qemu`, modules of a cluster). */
function besideProgram(program: string): string[] {
  const prefix = dirname(dirname(program));
  if (basename(dirname(program)) !== 'bin' || prefix === '/') return [];
  return ['lib', 'lib64', 'share/qemu', 'share/seabios'].map((name) => join(prefix, name));
}

/** Those that the loader looks in (ld.so(8)), but nothing with a home in it. */
function libraryFolders(path: string): string[] {
  const holdsHome = (folder: string) => `${homedir()}/`.startsWith(folder === '/' ? '/' : `${folder}/`);
  const folders = path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => resolve(folder));
  return folders.filter((folder) => !holdsHome(folder));
}

const systemNames = ['/bin', '/lib', '/lib32', '/lib64', '/libx32', '/sbin'];

/** Programs and libraries; most systems have links into /usr at the old places. */
async function systemFolders(): Promise<Pick<HostView, 'folders' | 'links'>> {
  const targets = await Promise.all(systemNames.map((path) => readlink(path).catch(() => undefined)));
  const others = ['/etc/ld.so.cache', '/etc/alternatives', '/nix/store', '/gnu/store'];
  return {
    folders: ['/usr', ...systemNames.filter((_, index) => targets[index] === undefined), ...others],
    links: systemNames.flatMap((path, index) => {
      const target = targets[index];
      return target === undefined ? [] : [{ path, target }];
    }),
  };
}

async function answerFile(bwrap: string, view: HostView): Promise<string> {
  const folder = await ensureFolder(probesFolder());
  const filter = systemCallFilter()?.toString('base64') ?? '';
  const key = await probeKey([bwrap, view.program], JSON.stringify(view), filter, await rights());
  return join(folder, probeFiles.sandbox(key));
}

/** What bubblewrap may do differs between a login, a container and a grid job of one host. */
async function rights(): Promise<string> {
  const own = (name: string) => readFile(`/proc/self/${name}`, 'utf8').catch(() => '');
  const namespace = (name: string) => readlink(`/proc/self/ns/${name}`).catch(() => '');
  const status = (await own('status')).match(/^(Uid|CapEff|NoNewPrivs|Seccomp):.*$/gm) ?? [];
  return [...status, await own('attr/current'), await namespace('user'), await namespace('mnt')].join('\n');
}

interface KeptAnswer {
  readonly mode?: number;
  readonly reason?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Milliseconds that a failure is believed: what it is for (a limit on namespaces, say) may be over some day. */
const failureKept = 3600_000;

async function keep(file: string, answer: Answer): Promise<void> {
  if (!answer.lasting) return;
  const said = answer.mode === undefined ? { reason: answer.reason } : { mode: answer.mode };
  await writeFileAtomically(file, JSON.stringify({ ...said, at: Date.now() } satisfies KeptAnswer));
}

/** Undefined where there is no answer, or none that can be read: the cache is only that. */
async function readAnswer(file: string): Promise<Answer | undefined> {
  try {
    const { mode, reason, at = 0 } = JSON.parse(await readFile(file, 'utf8')) as Partial<KeptAnswer>;
    if (typeof mode === 'number' && modes()[mode]) return { mode, lasting: true };
    if (typeof reason === 'string' && Math.abs(Date.now() - at) < failureKept)
      return { reason, lasting: true };
  } catch {
    // Tried again.
  }
  return undefined;
}
