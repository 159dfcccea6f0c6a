import { readFile, readlink, realpath } from 'node:fs/promises';
import { homedir, platform } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { ensureFolder, writeFileAtomically } from '../system/files.js';
import { probeFiles, probesFolder } from '../system/paths.js';
import { findProgram } from '../system/process.js';
import { type HostView, confinementArguments } from './bubblewrap.js';
import { printable } from './console-ring.js';
import { ask } from './doctor/ask.js';
import { probeKey } from './qemu/kvm-probe.js';
import type { VmmCommand } from './supervisor.js';

/** How a program can be confined here, or why it cannot. */
export type Confinement =
  | { readonly works: true; readonly bwrap: string; readonly host: HostView }
  | { readonly works: false; readonly reason: string };

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
  return { works: true, bwrap, host: { ...view, options: modes()[answer.mode] ?? [] } };
}

/**
 * Options to try, the better first. An ordinary user needs a user namespace, which is the last one then. Root
 * does without: with all capabilities gone, it could not read what belongs to others through one.
 */
function modes(): readonly (readonly string[])[] {
  return process.getuid?.() === 0 ? [[], ['--unshare-user']] : [['--unshare-user', '--disable-userns'], []];
}

/** Milliseconds that a program has to tell its version. */
const trialLimit = 5000;

type Answer =
  | { readonly mode: number }
  /** `lasting`: it was said, not only not done in time. */
  | { readonly mode?: undefined; readonly reason: string; readonly lasting: boolean };

async function tryModes(bwrap: string, view: HostView, env: VmmCommand['env']): Promise<Answer> {
  let failure: Answer = { reason: 'bubblewrap does not answer', lasting: false };
  for (const [mode, options] of modes().entries()) {
    const args = confinementArguments({ ...view, options }, { readable: [], writable: [], memory: true });
    const { status, text } = await ask(bwrap, [...args, '--', view.program, '--version'], trialLimit, env);
    if (status === 0) return { mode };
    const [said = `status ${status ?? 'unknown'}`] = text.trim().split('\n').slice(-1);
    if (status !== null)
      failure = { reason: `bubblewrap does not work here (${printable(said)})`, lasting: true };
  }
  return failure;
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
  const key = await probeKey([bwrap, view.program], JSON.stringify(view), await rights());
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
  if (answer.mode === undefined && !answer.lasting) return;
  const { mode } = answer;
  const said = mode === undefined ? { reason: answer.reason } : { mode };
  await writeFileAtomically(file, JSON.stringify({ ...said, at: Date.now() } satisfies KeptAnswer));
}

/** Undefined where there is no answer, or none that can be read: the cache is only that. */
async function readAnswer(file: string): Promise<Answer | undefined> {
  try {
    const { mode, reason, at = 0 } = JSON.parse(await readFile(file, 'utf8')) as Partial<KeptAnswer>;
    if (typeof mode === 'number' && modes()[mode]) return { mode };
    if (typeof reason === 'string' && Math.abs(Date.now() - at) < failureKept)
      return { reason, lasting: true };
  } catch {
    // Tried again.
  }
  return undefined;
}
