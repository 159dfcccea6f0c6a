import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Every file and folder that GVA keeps has its name here, and its description in docs/layout.md.
 * User folders follow the XDG Base Directory Specification 0.8.
 */

function xdg(variable: string, fallback: string): string {
  const value = process.env[variable];
  // The specification says that relative paths are to be ignored.
  return value?.startsWith('/') ? value : join(homedir(), fallback);
}

/** Base images; what is lost here must be built again. */
export const dataFolder = () => join(xdg('XDG_DATA_HOME', '.local/share'), 'gva');
/** What can be made again at any time. */
export const cacheFolder = () => join(xdg('XDG_CACHE_HOME', '.cache'), 'gva');

export const basesFolder = () => join(dataFolder(), 'bases');
export const baseFolder = (name: string) => join(basesFolder(), name);
export const imagesFolder = () => join(cacheFolder(), 'images');
export const packagesFolder = () => join(cacheFolder(), 'packages');
/** Where results of all sweeps are, by identity. */
export const resultsCacheFolder = () => join(cacheFolder(), 'results');
/** The sweeps of this user that run on this machine. */
export const runningSweepsFolder = () => join(cacheFolder(), 'running');
/** A file for each sweep of the user. */
export const sweepsFolder = () => join(dataFolder(), 'sweeps');
/** Booted and saved guests that instances are made of, by key. */
export const templatesFolder = () => join(cacheFolder(), 'templates');
export const probesFolder = () => join(cacheFolder(), 'probes');

/** In the folder of probes; KEY stands for a boot of the host, programs and kernels. */
export const probeFiles = {
  kvm: (key: string) => `kvm-${key}.json`,
  doctor: (key: string) => `doctor-${key}.json`,
  sandbox: (key: string) => `sandbox-${key}.json`,
} as const;

/** In a template's folder. */
export const templateFiles = {
  manifest: 'template.json',
  /** The guest's memory, all of it; sparse. */
  memory: 'memory',
  /** The state of its devices. */
  state: 'state',
  /** What it has written to its root disk. */
  root: 'root.overlay',
  /** How often a clone of it was of no use. */
  failures: 'failures',
} as const;
/** Beginning of the name of a file beside the templates; says which process makes one, while it does. */
export const templateLock = (key: string) => `.lock-${key.slice(0, 16)}-`;

/** Disks of running instances: node-local, big, and gone afterwards. */
export const scratchFolder = () => process.env['GVA_SCRATCH'] ?? process.env['TMPDIR'] ?? '/var/tmp';
export const scratchPrefix = 'gva-';

/** In a base's folder. */
export const baseFiles = {
  manifest: 'base.json',
  root: 'root.img',
  kernel: 'vmlinux',
  initrd: 'initrd.img',
  /** The disk that packages carry. */
  disk: 'disk.img',
} as const;

/** In an appliance's folder. */
export const applianceFiles = {
  manifest: 'gva.yaml',
  app: 'app',
  data: 'data',
  launcher: 'autorun.sh',
} as const;

/** In an instance's scratch folder. */
export const scratchFiles = {
  owner: 'owner.json',
  rootOverlay: 'root.overlay',
  appOverlay: 'app.overlay',
  dataOverlay: 'data.overlay',
  /** Of a disk of somebody else's virtual machine. */
  plainOverlay: (index: number) => `disk${index}.overlay`,
  firmwareVariables: 'firmware-variables.fd',
  output: 'output.img',
  parameters: 'params.iso',
  /** Of a machine that becomes a template. */
  saveSocket: 'state.socket',
  /** User-mode Linux keeps its management socket here. */
  uml: 'uml',
  /** The only host folder that a guest's hostfs could reach; empty. */
  hostfs: 'hostfs',
} as const;

/** In the scratch folder of `gva doctor`. */
export const doctorFiles = { busybox: 'busybox', initrd: 'initrd.img' } as const;

/** In the folder of an instance's results (`gva run --out`, or a point of a sweep). */
export const resultFiles = {
  result: 'result.json',
  events: 'events.jsonl',
  console: 'console.log',
  output: 'output',
  /** With --keep: the disks as the guest left them. */
  instance: 'instance',
} as const;

/** In a sweep's folder. */
export const sweepFiles = {
  sweep: 'sweep.json',
  results: 'results.csv',
  /** The same table as JSON Lines. */
  lines: 'results.jsonl',
  /** What a sweep in the background has to say. */
  log: 'sweep.log',
  points: 'points',
  /** Among the points: results that the plan has no place for at present, by identity. */
  earlier: '.earlier',
  store: 'store.db',
  status: 'status.json',
  requests: 'requests',
  /** Beginning of the name; says which process uses the folder, while it does. */
  lock: '.lock-',
} as const;

/** Points are sharded by thousands, so that no folder grows beyond what file systems like. */
export function pointFolder(sweepFolder: string, index: number): string {
  const shard = String(Math.floor(index / 1000)).padStart(4, '0');
  return join(sweepFolder, sweepFiles.points, shard, String(index).padStart(7, '0'));
}

/** The root of this package: where guest/ and package.json are, from the sources and from the build alike. */
export const packageRoot = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

export const guestFile = (name: string) => join(packageRoot, 'guest', name);

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
