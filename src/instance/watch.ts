import { parseGuestEvent, type GuestEvent } from '../model/guest-event.js';
import type { SavedProgress } from '../model/checkpoint.js';
import type { FailureCause, ScriptResult } from '../model/result.js';
import type { VirtualMachine, VmmExit } from '../vmm/driver.js';

/** Limits of an instance's life, in seconds. */
export interface WatchLimits {
  /** Until GVAD's first word. */
  readonly boot: number;
  /** From start to power-off; undefined: none. */
  readonly total: number | undefined;
  /** From `done` to power-off; the disks are already unmounted then. */
  readonly powerOff: number;
  /** Without a word of the guest, once it has its media; none where absent. */
  readonly silence?: number;
}

export interface Watched {
  readonly exit: VmmExit;
  readonly scripts: readonly ScriptResult[];
  /** The guest said that it is done. */
  readonly done: boolean;
  /** 1 KiB blocks that were left on the output disk after the last script, as the guest says. */
  readonly free: number | undefined;
  /** What made us end the machine; undefined where it ended by itself. */
  readonly ended:
    Extract<FailureCause, 'timeout' | 'boot-timeout' | 'silent' | 'interrupted'> | 'restarted' | undefined;
}

/**
 * Follows a machine from its start to its end, and ends it when a limit is passed or the signal comes.
 *
 * @param onEvent called for each event of the guest, in order
 * @param record where it goes on from a checkpoint, of what was before
 */
export async function watchMachine(
  machine: Pick<VirtualMachine, 'lines' | 'exited' | 'kill'>,
  limits: WatchLimits,
  onEvent: (event: GuestEvent) => void,
  signal: AbortSignal,
  record = new ScriptRecord(),
): Promise<Watched> {
  using life = new Life(machine, limits, signal, () => record.done);
  life.timers.set('boot', limits.boot, () => life.end('boot-timeout'));
  let booted = false;
  for await (const line of machine.lines) {
    const event = parseGuestEvent(line);
    if (!event) continue;
    life.timers.clear('boot');
    // User-mode Linux begins anew where QEMU ends. Its scripts are not run again: it would wait for ever.
    if (event.name === 'boot' && booted) life.end('restarted');
    booted ||= event.name === 'boot';
    record.note(event);
    life.heard(event);
    if (event.name === 'done') life.timers.set('power-off', limits.powerOff, () => machine.kill());
    onEvent(event);
  }
  const exit = await machine.exited;
  return { exit, scripts: record.scripts, done: record.done, free: record.free, ended: life.ended };
}

/**
 * Follows a machine that knows nothing of GVA: what it says on its first serial port belongs to its console, and
 * no time is too long for its boot.
 */
export async function watchPlainMachine(
  machine: VirtualMachine,
  limits: WatchLimits,
  signal: AbortSignal,
): Promise<Watched> {
  using life = new Life(machine, limits, signal, () => false);
  for await (const line of machine.lines) machine.console.append(Buffer.from(`${line}\n`));
  const exit = await machine.exited;
  return { exit, scripts: [], done: false, free: undefined, ended: life.ended };
}

/** Ends the machine when its time is over or the signal comes, and remembers why. */
class Life implements Disposable {
  readonly timers = new Timers();
  ended: Watched['ended'];
  readonly #machine: Pick<VirtualMachine, 'kill'>;
  readonly #signal: AbortSignal;
  readonly #isDone: () => boolean;
  readonly #limits: WatchLimits;
  #listening = false;
  readonly #interrupt = () => this.end('interrupted');

  constructor(
    machine: Pick<VirtualMachine, 'kill'>,
    limits: WatchLimits,
    signal: AbortSignal,
    isDone: () => boolean,
  ) {
    this.#machine = machine;
    this.#signal = signal;
    this.#isDone = isDone;
    this.#limits = limits;
    signal.addEventListener('abort', this.#interrupt, { once: true });
    if (signal.aborted) this.#interrupt();
    if (limits.total !== undefined) this.timers.set('total', limits.total, () => this.end('timeout'));
  }

  /** From `ready` to `done` a guest is heard of, were it by its heartbeats. */
  heard({ name }: GuestEvent): void {
    const { silence } = this.#limits;
    if (silence === undefined || (!this.#listening && name !== 'ready')) return;
    this.#listening = name !== 'done';
    if (!this.#listening) this.timers.clear('silence');
    // This process may have stood still itself: what was said meanwhile is read in the second after that.
    else this.timers.set('silence', silence, () => this.timers.set('silence', 1, () => this.end('silent')));
  }

  end(why: Watched['ended']): void {
    if (!this.#isDone()) this.ended ??= why;
    this.#machine.kill();
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener('abort', this.#interrupt);
    this.timers[Symbol.dispose]();
  }
}

/** Named one-shot timers; disposing them clears all. */
class Timers {
  readonly #timers = new Map<string, NodeJS.Timeout>();

  set(name: string, seconds: number, action: () => void): void {
    this.clear(name);
    // setTimeout takes at most 2^31-1 ms; 24 days are as good as no limit here.
    this.#timers.set(name, setTimeout(action, Math.min(seconds * 1000, 2 ** 31 - 1)));
  }

  clear(name: string): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  [Symbol.dispose](): void {
    for (const name of [...this.#timers.keys()]) this.clear(name);
  }
}

export type RecordedScripts = Pick<SavedProgress, 'scripts' | 'scriptStartedAt' | 'free'>;
const noScripts: RecordedScripts = { scripts: [], scriptStartedAt: 0 };

/** More scripts than this in one instance are counted in no result: a guest may say anything. */
const maxScripts = 10_000;

/** What the guest says of its scripts. */
export class ScriptRecord {
  readonly scripts: { name: string; status: number | null; seconds: number | null }[];
  done = false;
  free: number | undefined;
  /** Seconds of the guest's clock: of the last script. */
  startedAt: number;

  constructor({ scripts, scriptStartedAt, free }: RecordedScripts = noScripts) {
    this.scripts = scripts.map((script) => ({ ...script }));
    this.startedAt = scriptStartedAt;
    this.free = free;
  }

  note({ name, fields, uptime }: GuestEvent): void {
    if (name === 'script-start' && this.scripts.length < maxScripts) {
      this.startedAt = uptime;
      this.scripts.push({ name: fields['name'] ?? '', status: null, seconds: null });
    } else if (name === 'script-end') this.#end(fields, uptime);
    else if (name === 'done') this.done = true;
  }

  #end(fields: GuestEvent['fields'], uptime: number): void {
    const script = this.scripts.at(-1);
    const status = Number(fields['status'] ?? NaN);
    if (script?.status !== null || !Number.isInteger(status)) return;
    script.status = status;
    script.seconds = Math.max(0, Number((uptime - this.startedAt).toFixed(2)));
    const free = Number(fields['free'] ?? NaN);
    if (Number.isFinite(free)) this.free = free;
  }
}
