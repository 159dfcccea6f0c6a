import { homedir, hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * Every file and folder that GVA keeps has its name here, and its description in docs/layout.md.
 * User folders follow the XDG Base Directory Specification 0.8.
 */

function xdg(variable: string, fallback: string): string {
  const value = process.env[variable];
  // The specification says that relative paths are to be ignored.
  return value?.startsWith('/') ? value : join(homedir(), fallback);
}

/** Scripts set variables that they have no value for to nothing. */
function fromEnvironment(names: readonly string[]): string | undefined {
  return names.map((name) => process.env[name]).find((value) => value !== undefined && value !== '');
}

/** Base images; what is lost here must be built again. */
export const dataFolder = () => join(xdg('XDG_DATA_HOME', '.local/share'), 'gva');
/** What can be made again at any time; in this process another folder may stand in for it. */
export const cacheFolder = () => standIns.get(ownCacheFolder()) ?? ownCacheFolder();
/** The user's own, whether it can be written to or not. */
export const ownCacheFolder = () => join(xdg('XDG_CACHE_HOME', '.cache'), 'gva');
const standIns = new Map<string, string>();

/** @param other undefined: none any more */
export function standInForCache(own: string, other: string | undefined): void {
  if (other === undefined) standIns.delete(own);
  else standIns.set(own, other);
}

export const basesFolder = () => join(dataFolder(), 'bases');
export const baseFolder = (name: string) => join(basesFolder(), name);
/** In a folder of bases of one name: a link to the folder of the one that the name stands for. */
export const currentBase = 'current';
/** An index of all bases, which can be made anew from their folders at any time. */
export const catalogueFile = () => join(dataFolder(), 'catalogue.db');
/** Who needs which base: a folder for each base, in it a file for each that needs it. */
export const baseNeedsFolder = () => join(dataFolder(), 'base-needs');
/** Recipes that were built on this machine: a file for each. */
export const recipeNotesFolder = () => join(dataFolder(), 'recipes');
/** Beginnings of names in the folder of bases: no name of a base has a `=`. */
export const buildFolderPrefix = (base: string) => `.build-${base}=`;
/** The name of the base for which a folder among the bases was made; undefined where it is something else. */
export const builtName = (entry: string) => /^\.build-(.+)=[^=]*$/.exec(entry)?.[1];
export const buildLockPrefix = (base: string) => `.lock-${base}=`;
export const imagesFolder = () => join(cacheFolder(), 'images');
export const packagesFolder = () => join(cacheFolder(), 'packages');
/** Where results of all sweeps are, by identity. */
export const resultsCacheFolder = () => join(cacheFolder(), 'results');
/** The sweeps of this user that run on this machine. */
export const runningSweepsFolder = () => join(cacheFolder(), 'running');
/** A file for each sweep of the user. */
export const sweepsFolder = () => join(dataFolder(), 'sweeps');
/** Where the grid engine `local` keeps the queue of this user's jobs on this machine. */
export const localGridFolder = () => join(ownCacheFolder(), 'grid', hostname());
/** Booted and saved guests that instances are made of, by key. */
export const templatesFolder = () => join(cacheFolder(), 'templates');
/** How long earlier runs of an appliance took, by its digest. */
export const historyFolder = () => join(cacheFolder(), 'history');
export const historyFile = (digest: string) => join(historyFolder(), `${digest}.json`);
export const probesFolder = () => join(cacheFolder(), 'probes');
/** Root file systems that recipes made, step by step, by key. */
export const layersFolder = () => join(cacheFolder(), 'layers');
/** What the last failing step of a recipe said. */
export const recipeLog = (base: string) => join(layersFolder(), `.${base}.log`);

/** In the folder of probes; KEY stands for a boot of the host, programs and kernels. */
export const probeFiles = {
  kvm: (key: string) => `kvm-${key}.json`,
  doctor: (key: string) => `doctor-${key}.json`,
  sandbox: (key: string) => `sandbox-${key}.json`,
} as const;

/** In the folder of the grid engine `local`. */
export const localGridFiles = {
  /** A folder for each job array, by its name. */
  arrays: 'arrays',
  /** Of an array: what was submitted. */
  array: 'array.json',
  /** Of an array: what became of its elements, line by line. */
  states: 'states.jsonl',
  /** Of an array: beginning of the names of requests to end elements. */
  cancel: 'cancel-',
  /** What the spooler says; nothing, unless something is wrong. */
  log: 'spooler.log',
  /** Locked by the spooler while it works. */
  lock: 'lock',
  /** Which process is the spooler. */
  spooler: 'spooler.json',
} as const;

/** Of the user, and of the site, which holds where the user's says nothing. */
export const configFiles = () => ({
  user: join(xdg('XDG_CONFIG_HOME', '.config'), 'gva', 'config.yaml'),
  site: '/etc/gva/config.yaml',
});

/** Certificates, as PEM, of those whose packages are trusted: of the user, and of the site. */
export const trustFolders = () => [join(xdg('XDG_CONFIG_HOME', '.config'), 'gva', 'trust'), '/etc/gva/trust'];

/** Checkpoints of instances, by their ids. */
export const checkpointsFolder = () => join(dataFolder(), 'checkpoints');
export const checkpointFolder = (instance: string) => join(checkpointsFolder(), instance);

/** In a checkpoint's folder. Of the others the manifest has the names; each begins with the number of the checkpoint that made it. */
export const checkpointFiles = {
  manifest: 'checkpoint.json',
  state: (number: number) => `${number}-state.gz`,
  disk: (number: number, id: string) => `${number}-${id}.qcow2`,
  medium: (number: number, id: string) => `${number}-${id}.img`,
  console: (number: number) => `${number}-console.log`,
  events: (number: number) => `${number}-events.jsonl`,
  /** Whether it may be a file of a checkpoint. */
  isContent: (name: string) => /^\d{1,9}-[a-z0-9]{1,20}\.[a-z0-9]{1,10}$/.test(name),
  /** Beginning of the name; says which process runs the instance, while it does. */
  lock: '.lock-',
} as const;

/** Of each process of this user's that runs instances: a socket to ask it, and a note of which process it is. */
export const controlFolder = () => join(cacheFolder(), 'instances');
export const controlFiles = {
  socket: (name: string) => `${name}.socket`,
  note: (name: string) => `${name}.json`,
  /** The socket that belongs to a note; undefined where that is none. */
  socketOf: (note: string) => {
    const name = /^(\d+-[0-9a-f]+)\.json$/.exec(note)?.[1];
    return name === undefined ? undefined : `${name}.socket`;
  },
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
  /** Of one that has an appliance in it: what it has written to application and data disk. */
  app: 'app.overlay',
  data: 'data.overlay',
  /** How often a clone of it was of no use. */
  failures: 'failures',
} as const;
/** Beginning of the name of a file beside the templates; says which process makes one, while it does. */
export const templateLock = (key: string) => `.lock-${key.slice(0, 16)}-`;

/** In a layer's folder. */
export const layerFiles = {
  manifest: 'layer.json',
  /** What is other than in the root of the base that it began as; piece after piece. */
  changes: 'changes',
} as const;

/** Disks of running instances: node-local, big, and gone afterwards. SLURM_TMPDIR is some sites' name of a job's own. */
export const scratchFolder = () => fromEnvironment(['GVA_SCRATCH', 'SLURM_TMPDIR', 'TMPDIR']) ?? '/var/tmp';
export const scratchPrefix = 'gva-';
/** Beside temporary folders of this name, `.gva-mmdebstrap.MARK.tmp`, there is nothing. */
export const mmdebstrapPlace = () => join(scratchFolder(), 'gva-mmdebstrap');

/** In a base's folder. */
export const baseFiles = {
  manifest: 'base.json',
  root: 'root.img',
  kernel: 'vmlinux',
  initrd: 'initrd.img',
  /** The disk that packages carry. */
  disk: 'disk.img',
} as const;
/** In a base's folder; its time says when the base was used last. */
export const baseUsedFile = '.used';

/** In the folder of a recipe. */
export const recipeFile = 'base.yaml';

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
  /** Of a folder that was kept because results could not be saved: whose they are. */
  kept: 'kept.json',
  rootOverlay: 'root.overlay',
  appOverlay: 'app.overlay',
  dataOverlay: 'data.overlay',
  /** Of a disk of somebody else's virtual machine. */
  plainOverlay: (index: number) => `disk${index}.overlay`,
  firmwareVariables: 'firmware-variables.fd',
  output: 'output.img',
  /** A copy of it, while the guest runs on. */
  snapshot: 'snapshot.img',
  parameters: 'params.iso',
  /** In its place, where the parameters come on a floppy. */
  floppy: 'params.img',
  /** Folder of what the guest has posted by network. */
  posted: 'posted',
  /** A disk that the host rewrites in place while the guest runs. */
  mailbox: 'mailbox.img',
  /** Folder of the volumes that are inserted while the guest runs. */
  inserted: 'inserted',
  /** In it: one of them. */
  insertion: (number: number) => `${number}.iso`,
  /** Made of the outputs of a sweep, for a gathering instance. */
  data: 'data.img',
  /** The folder of an appliance that came as a package. */
  appliance: 'appliance',
  /** Of a machine that becomes a template, or of which checkpoints may be taken. */
  saveSocket: 'state.socket',
  /** Of the application disk of a recipe's step. */
  step: 'step.img',
  /** Folder of the media that a machine is rehearsed with before its instance is known. */
  rehearsal: 'rehearsal',
  /** What a guest writes to a disk after a checkpoint; two take turns. */
  layer: (id: string, turn: number) => `${id}.layer${turn}`,
  /** The state of a machine on its way into a checkpoint, or out of it. */
  state: 'state',
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
  /** Folder of what the guest has posted by network, where it has. */
  posted: 'posted',
  /** Beside the output of an instance that runs on: of which moment it is, and what was found in reading it. */
  snapshot: 'snapshot.json',
  /** Instead of `output`, where it is kept as an archive. */
  archive: 'output.tar',
  /** Instead of `output`, where the guest's disk is kept; beside it, where not all could be brought out. */
  image: 'output.img',
  /** With --keep-disks: the disks as the guest left them. */
  instance: 'instance',
} as const;

/** Beside the results of an instance that runs: what it has until now. No name of a point, and none of a result. */
export const soFarFolder = (out: string) => `${out.replace(/\/+$/, '')}.so-far`;

/** In a sweep's folder. */
export const sweepFiles = {
  sweep: 'sweep.json',
  /** Of a program that said its plan itself, and not by a file. */
  plan: 'plan.yaml',
  results: 'results.csv',
  /** The same table as JSON Lines. */
  lines: 'results.jsonl',
  /** What a sweep in the background has to say. */
  log: 'sweep.log',
  /** Results of the instance that gathers. */
  gather: 'gather',
  /** What the gather step said. */
  gatherLog: 'gather.log',
  /** How the gather step ended, and for which results. */
  gatherRecord: 'gather.json',
  points: 'points',
  /** Among the points: results that the plan has no place for at present, by identity. */
  earlier: '.earlier',
  /** Of points that run: what they can go on from. */
  checkpoints: 'checkpoints',
  store: 'store.db',
  status: 'status.json',
  requests: 'requests',
  /** Beginning of the name; says which process uses the folder, while it does. */
  lock: '.lock-',
} as const;

/**
 * In the folder of a sweep that runs on a grid. A chunk is one array of jobs; an element of it is one job, which works on
 * a bundle of points.
 */
export const gridFiles = {
  folder: 'grid',
  /** Images by their SHA-256. */
  images: 'images',
  chunks: 'chunks',
  /** What the last job says, which takes in what all others have done. */
  summary: 'summary',
  /** `digest`: of its text. */
  work: (digest: string) => `work-${digest.slice(0, 8)}.json`,
  chunk: (number: number) => `c${String(number).padStart(4, '0')}`,
  /** In a chunk's folder: what is to be submitted, written before it is. */
  array: 'array.json',
  /** In a chunk's folder: what the grid calls it, written after it was submitted. */
  submitted: 'submitted.json',
  /** In a chunk's folder: nothing more will come of it. */
  over: 'over',
  /** In a chunk's folder: what the grid's own scripts say. */
  logs: 'logs',
  /** In a chunk's folder: a point that is not to be begun any more. */
  cancelled: (point: number) => `cancel-${point}`,
  /** In a chunk's folder: what an element of its array is to do. */
  element: (number: number) => `e${String(number).padStart(4, '0')}.json`,
  /** Beside it: what a job did of it. */
  record: (element: string, job: string) => `${element.replace(/\.json$/, '')}-${job}.jsonl`,
  /** The element that a file is a record of; undefined where it is none. */
  elementOfRecord: (name: string) => {
    const number = /^e(\d{4,})-.*\.jsonl$/.exec(name)?.[1];
    return number === undefined ? undefined : Number(number);
  },
  /** In a chunk's folder: what is known of instances that were lost. */
  lost: 'lost',
  lostPoint: (index: number, attempt: number) => `${String(index).padStart(7, '0')}-${attempt}`,
} as const;

export const gridChunk = (sweepFolder: string, number: number) =>
  join(sweepFolder, gridFiles.folder, gridFiles.chunks, gridFiles.chunk(number));

export const gridImage = (sweepFolder: string, sha256: string) =>
  join(sweepFolder, gridFiles.folder, gridFiles.images, sha256);

/** What a job of a grid copies of a point's results, beside the point's folder, before it publishes it by a rename. */
export const pointPart = (point: string, job: string) =>
  join(dirname(point), `.${basename(point)}-${job}.part`);

/** Where each user has a folder of his own on a node of a grid. */
export const nodeParent = () => fromEnvironment(['GVA_NODE_CACHE', 'TMPDIR']) ?? '/tmp';

/** In the folder of a user on a node. */
export const nodeFiles = {
  /** Copies of images, by SHA-256. */
  images: 'images',
  /** Begins the name of what says, among the images, which of them a process uses. */
  use: '.use-',
  /** When the image was used last. */
  used: (sha256: string) => `.used-${sha256}`,
  lock: (sha256: string) => `.lock-${sha256.slice(0, 16)}-`,
  /** Digests of files that were read before. */
  digests: 'digests',
  /** Takes the place of XDG_CACHE_HOME. */
  cache: 'cache',
} as const;

/** In a worker's scratch folder: results that are not published yet. */
export const workerResults = 'results';
/** In the scratch folder: results that could not be published. */
export const keptResults = (sweep: string, index: number, random: string) =>
  `${scratchPrefix}kept-${sweep}-${index}-${random}`;

/** Points are sharded by thousands, so that no folder grows beyond what file systems like. */
export function pointFolder(sweepFolder: string, index: number): string {
  const shard = String(Math.floor(index / 1000)).padStart(4, '0');
  return join(sweepFolder, sweepFiles.points, shard, String(index).padStart(7, '0'));
}

/** The checkpoints of a point of a sweep. */
export function pointCheckpoint(sweepFolder: string, index: number): string {
  const shard = String(Math.floor(index / 1000)).padStart(4, '0');
  return join(sweepFolder, sweepFiles.checkpoints, shard, String(index).padStart(7, '0'));
}

/** Of such a point on a grid: what one job of it has saved, by the job's name and how often the grid has begun it anew. */
export const attemptCheckpoint = (point: string, job: string, restarts: number) =>
  join(point, `${job}-r${restarts}`);
