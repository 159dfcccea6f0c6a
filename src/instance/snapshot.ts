import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestCommand } from '../channel/command.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { resultFiles, scratchFiles } from '../system/paths.js';
import { runTool } from '../system/process.js';
import type { MachineSpec } from '../vmm/driver.js';
import { collectOutput } from './collect.js';
import { preparePendingFolder } from './output-folder.js';
import type { GuestCommands } from './control/guest-commands.js';
import type { GuestNews } from './insert/guest-news.js';
import type { PreparedAppliance } from './prepare.js';

/** What was brought home of a guest that runs on. */
export interface Snapshot {
  readonly files: number;
  readonly bytes: number;
  /** How many there are; `snapshot.json` has them. */
  readonly findings: number;
  /** Seconds for which nothing in the guest could write to its output. */
  readonly pause: number;
}

/** Seconds after which a guest goes on that nobody tells to. */
const longestPause = 120;

/** Holds the file system, whole on its disk, until its input ends; whatever becomes of the host, the guest goes on. */
const hold = `
cd /
thaw() { fsfreeze --unfreeze "$1" 2>/dev/null; }
trap 'thaw "$1"; exit 1' TERM HUP
sync
fsfreeze --freeze "$1" || exit 1
{ sleep ${longestPause}; thaw "$1"; } >/dev/null 2>&1 </dev/null &
echo held
cat >/dev/null
kill $!
thaw "$1" || { echo 'it was held for too long' >&2; exit 1; }`;

/** What a snapshot is taken of, and by what means. */
export interface SnapshotParts {
  readonly prepared: Pick<PreparedAppliance, 'machine'>;
  readonly machineSpec: Pick<MachineSpec, 'disks'>;
  /** Folder of its disks. */
  readonly scratch: string;
  readonly news: Pick<GuestNews, 'ready'>;
  readonly commands: Pick<GuestCommands, 'exec' | 'byQemuAgent'>;
}

/** Snapshots of one machine, one after the other. */
export class Snapshots {
  readonly #parts: SnapshotParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  /**
   * @param replace a snapshot that is there already
   * @throws GvaError OUT_EXISTS, SNAPSHOT
   */
  take(out: string, replace = false): Promise<Snapshot> {
    const turn = this.#last.then(() => snapshotOutput(this.#parts, out, replace));
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/**
 * Brings the output of a running instance into a new folder, as it is at one moment, by the reader and with the checks of
 * its end. The guest waits with its writing while its disk is copied on the host.
 *
 * @throws GvaError OUT_EXISTS, SNAPSHOT
 */
async function snapshotOutput(
  { prepared: { machine }, machineSpec: { disks }, scratch, news, commands }: SnapshotParts,
  out: string,
  replace: boolean,
): Promise<Snapshot> {
  if (commands.byQemuAgent) throw failed('the QEMU guest agent does not hold it');
  const onApp = machine.kind === 'contract' && machine.outputOn === 'app';
  const disk = disks.find(({ image }) => image === join(scratch, scratchFiles.output));
  if (machine.kind !== 'contract' || !disk) throw failed('the instance has no output disk');
  // What it would hold otherwise is the root of its file systems.
  if (!news.ready) throw failed('the guest has not got its disks yet');
  await using pending = await preparePendingFolder(out, replace, true, resultFiles.snapshot);
  const takenAt = new Date().toISOString();
  const copy = join(scratch, scratchFiles.snapshot);
  try {
    const pause = await copyHeld(
      await commands.exec(['sh', '-c', hold, 'sh', onApp ? '/app' : '/output']),
      () => runTool('cp', ['--sparse=always', '--reflink=auto', '--', disk.image, copy]),
    );
    const output = await collectOutput(copy, join(pending.folder, resultFiles.output), onApp ? 'output' : '');
    if (!output) throw failed('its disk has no file system that can be read');
    // It is not unmounted, and yet all is on it.
    const findings = output.findings.filter(({ code }) => code !== 'EXT4_UNCLEAN');
    const { files, bytes } = output;
    const report = { format: 'gva-snapshot/1', takenAt, pause, files, bytes, findings };
    await writeFile(join(pending.folder, resultFiles.snapshot), `${JSON.stringify(report, null, 2)}\n`);
    await pending.publish();
    return { files, bytes, findings: findings.length, pause };
  } finally {
    await rm(copy, { force: true });
  }
}

/** @returns seconds that the guest was held */
async function copyHeld(command: GuestCommand, work: () => Promise<unknown>): Promise<number> {
  let said = '';
  command.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-500)));
  try {
    const first = await firstLine(command);
    if (first !== 'held') throw failed(said.trim() || 'it does not hold its file system');
    const start = performance.now();
    await work();
    command.stdin.end();
    command.stdout.resume();
    const { status } = await command.exited;
    // What was written meanwhile may be in the copy by halves.
    if (status !== 0) throw failed(said.trim() || `status ${status}`);
    return Number(((performance.now() - start) / 1000).toFixed(3));
  } finally {
    command.stdin.end();
    command.stdout.resume();
  }
}

/** It says no more than this line. */
function firstLine({ stdout, exited }: GuestCommand): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const end = () => resolve(text.trim());
    stdout.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('latin1')).slice(0, 100);
      if (text.includes('\n')) end();
    });
    exited.then(end, reject);
  });
}

const failed = (why: string) =>
  new GvaError('SNAPSHOT', `the output cannot be brought home now: ${why}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'Single files come by gva get; all of it comes at the end.',
  });
