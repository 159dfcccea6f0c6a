import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestEvent, GuestEventName } from '../../model/guest-event.js';
import type { InsertWay, Inserted } from '../../model/insert.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { scratchFiles } from '../../system/paths.js';
import type { MachineSpec, VirtualMachine } from '../../vmm/driver.js';
import type { GuestNews } from './guest-news.js';
import { type Volume, makeVolume, mediumLabel, noLabel, piecesOf, sectorSize } from './volume.js';

/** Milliseconds for a guest to see that there is something new; it looks five times a second. */
const noticeTime = 30_000;
/** Milliseconds for a guest to let go of what was there before. */
const goneTime = 10_000;

/** What is inserted into one machine while it runs: one after the other, each with a number of its own. */
export class Insertions {
  readonly #machine: VirtualMachine;
  readonly #spec: MachineSpec;
  readonly #news: GuestNews;
  /** Ended with the machine. */
  readonly #over = new AbortController();
  #number = 0;
  /** Where the label of what is there stands. */
  #shown:
    | { readonly number: number; readonly file: string; readonly at: number; readonly plugged?: true }
    | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(machine: VirtualMachine, spec: MachineSpec, news: GuestNews) {
    [this.#machine, this.#spec, this.#news] = [machine, spec, news];
    void machine.exited.then(() => this.#over.abort());
  }

  /**
   * Has the guest mount a folder or an ISO image, and run its scripts to their end.
   *
   * @throws GvaError INSERT_SOURCE, INSERT_BUSY where the guest uses what was there before, INSERT where it does not notice,
   *   INSTANCE_ENDED
   */
  insert(source: string, way: InsertWay): Promise<Inserted> {
    const turn = this.#last.then(() => this.#insert(source, way));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #insert(source: string, way: InsertWay): Promise<Inserted> {
    const { insertFolder } = this.#spec;
    if (insertFolder === undefined) throw noDrive();
    const by = way === 'auto' ? (this.#machine.insert ? 'cd' : 'mailbox') : way;
    if (by === 'cd' && !this.#machine.insert) throw noCdDrive();
    if (by === 'disk' && !this.#machine.plug) throw noPlug();
    const number = ++this.#number;
    const file = join(insertFolder, scratchFiles.insertion(number));
    try {
      const volume = await makeVolume(source, file);
      if (!this.#news.ready) await this.#hear('ready');
      await this.#letGo();
      const heard = this.#listen(number);
      const begin = performance.now();
      await { cd: this.#byCd, disk: this.#byDisk, mailbox: this.#byMailbox }[by].call(
        this,
        number,
        file,
        volume,
      );
      return { by, ...(await heard(begin)) };
    } finally {
      // QEMU has it open as long as it is in the drive.
      if (by === 'mailbox' || this.#shown?.file !== file) await rm(file, { force: true });
    }
  }

  /** What the guest says of a medium, from now on; what is given waits for its end, and counts from the swap. */
  #listen(number: number): (begin: number) => Promise<Omit<Inserted, 'by'>> {
    const done = this.#hear('insert-done', number);
    const seen = Promise.race([this.#hear('insert', number, noticeTime), done]).then(() => performance.now());
    const script = this.#hear('insert-script-start', number).then(() => performance.now());
    // Nobody waits for them where the medium does not get there.
    for (const promise of [seen, done, script]) promise.catch(() => undefined);
    return async (begin) => {
      const since = (time: number) => Number(((time - begin) / 1000).toFixed(3));
      const noticed = since(await seen);
      const { fields } = await done;
      if (fields['damaged'] !== undefined) throw unreadable();
      const [scripts, failed] = [Number(fields['scripts'] ?? 0), Number(fields['failed'] ?? 0)];
      return { scripts, failed, noticed, ...(scripts > 0 ? { started: since(await script) } : {}) };
    };
  }

  async #byCd(number: number, file: string, volume: Volume): Promise<void> {
    await writeLabel(file, volume.size, mediumLabel(number, volume));
    await this.#machine.insert?.(file);
    this.#shown = { number, file, at: volume.size };
  }

  async #byDisk(number: number, file: string, volume: Volume): Promise<void> {
    await writeLabel(file, volume.size, mediumLabel(number, volume));
    await this.#machine.plug?.(file);
    this.#shown = { number, file, at: volume.size, plugged: true };
  }

  async #byMailbox(number: number, file: string, volume: Volume): Promise<void> {
    const disk = this.#spec.disks.find(({ id }) => id === 'mailbox');
    if (!disk) throw noDrive();
    const at = disk.size - sectorSize;
    if (volume.size > at)
      throw new GvaError('INSERT_SIZE', `a mailbox disk holds ${at >> 20} MiB, not ${volume.size} bytes`, {
        hint: 'Insert it as a CD, or in parts; single files go in by gva put.',
      });
    await copyInto(disk.image, file, volume.size);
    await writeLabel(disk.image, at, mediumLabel(number, volume));
    this.#shown = { number, file: disk.image, at };
  }

  /** Has the guest unmount what is there. Its label goes, which the guest sees wherever the medium is. */
  async #letGo(): Promise<void> {
    const shown = this.#shown;
    if (!shown) return;
    const gone = this.#hear('insert-gone', shown.number, goneTime, busy());
    gone.catch(() => undefined);
    await writeLabel(shown.file, shown.at, noLabel());
    // After an attempt that was given up it may have come since.
    if (this.#news.gone !== String(shown.number)) await gone;
    if (shown.plugged) await this.#machine.unplug?.();
    this.#shown = undefined;
    if (shown.file !== this.#spec.disks.find(({ id }) => id === 'mailbox')?.image)
      await rm(shown.file, { force: true });
  }

  /** @param patience milliseconds; as long as the machine runs where absent */
  async #hear(name: GuestEventName, number = 0, patience?: number, late = unnoticed()): Promise<GuestEvent> {
    const time = patience === undefined ? [] : [AbortSignal.timeout(patience)];
    const wanted = (event: GuestEvent) =>
      event.name === name && (number === 0 || event.fields['id'] === String(number));
    const event = await this.#news.next(wanted, AbortSignal.any([this.#over.signal, ...time]));
    if (event) return event;
    throw this.#over.signal.aborted ? ended() : late;
  }
}

async function writeLabel(path: string, at: number, label: Buffer): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(label, 0, label.length, at);
}

async function copyInto(target: string, source: string, size: number): Promise<void> {
  await using to = await open(target, 'r+');
  await using from = await open(source, 'r');
  let at = 0;
  for await (const piece of piecesOf(from, size)) {
    await to.write(piece, 0, piece.length, at);
    at += piece.length;
  }
}

const failed = (code: string, message: string, hint: string) =>
  new GvaError(code, message, { exitCode: ExitCode.infrastructure, hint });

const noDrive = () =>
  failed(
    'INSERT_NONE',
    'the guest has no drive for media that come later',
    'Start it with one: gva run --channel',
  );
const noCdDrive = () =>
  failed('INSERT_NONE', 'the machine has no CD drive that could be opened', 'Insert it by --by mailbox.');
const noPlug = () =>
  failed('INSERT_NONE', 'no disk can be plugged into the machine', 'Insert it by --by mailbox.');
const busy = () =>
  failed(
    'INSERT_BUSY',
    'the guest still uses what was inserted before',
    'Nothing may have a file of /inserted open, or its working directory there.',
  );
const unnoticed = () =>
  failed(
    'INSERT',
    'the guest does not notice what was inserted',
    'Its base may be older: gva base build micro --force',
  );
const unreadable = () =>
  failed('INSERT', 'the guest cannot read what was inserted', 'Is it an ISO 9660 volume that Linux mounts?');
const ended = () =>
  failed(
    'INSTANCE_ENDED',
    'the instance ended before it had run all that was inserted',
    'gva ps shows what runs.',
  );
