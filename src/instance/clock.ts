import { type GuestEvent, type GuestProgress, progressOf } from '../model/guest-event.js';
import type { InstanceEvent } from '../model/instance-event.js';
import type { CollectedOutput, InstanceTimes } from '../model/result.js';
import { mark } from '../system/profile.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { Started } from './start.js';
import type { Verdict } from './verdict.js';

type EventBody = InstanceEvent extends infer E
  ? E extends InstanceEvent
    ? Omit<E, 'v' | 'time'>
    : never
  : never;

/** A guest may say anything; beyond this many events of one instance are passed on but not kept. */
const maxKeptEvents = 10_000;

const nowhere: InstanceTimes = {
  ...{ staged: null, booted: null, ready: null, scriptsStarted: null },
  ...{ scriptsEnded: null, poweredOff: null, collected: null },
};

/** What a clock goes on from. */
export interface EarlierTime {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Seconds that the instance has been run for. */
  readonly elapsed: number;
  readonly times: InstanceTimes;
  /** JSON lines. */
  readonly events: string;
}

/** Stamps, passes on and keeps the events of one instance. */
export class InstanceClock {
  startedAt = new Date().toISOString();
  /** What the guest has said of it last. */
  progress: GuestProgress = {};
  #start = performance.now();
  readonly #onEvent: (event: InstanceEvent) => void;
  /** Of the events before this part of the instance's life. */
  #earlier = '';
  readonly #events: InstanceEvent[] = [];
  #times = nowhere;

  constructor(onEvent: (event: InstanceEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Counts on from there, as if there had been no time between. */
  goOn({ startedAt, elapsed, times, events }: EarlierTime): void {
    this.startedAt = startedAt;
    this.#start = performance.now() - 1000 * elapsed;
    this.#times = times;
    this.#earlier = events;
  }

  /** The last moment that it has reached. */
  get stage(): string {
    const reached = Object.entries(this.#times).filter(([, time]) => time !== null);
    return reached.at(-1)?.[0] ?? 'staging';
  }

  /** Seconds that the instance has been run for. */
  get elapsed(): number {
    return this.#now();
  }

  get times(): InstanceTimes {
    return this.#times;
  }

  /** The media are made; the VMM is started next. */
  starting(): void {
    this.#mark('staged');
  }

  /** The machine runs. */
  staged(vmm: ChosenVmm, { start, pooled, reason }: Pick<Started, 'start' | 'pooled' | 'reason'>): void {
    mark('VMM started');
    const how = { start, ...(pooled ? { pooled } : {}), ...(reason === undefined ? {} : { reason }) };
    this.#emit({ event: 'staged', vmm: vmm.driver.name, accelerator: vmm.probe.accelerator, ...how });
  }

  /** It goes on from a checkpoint. */
  resumed(vmm: ChosenVmm, takenAt: string): void {
    mark('VMM started');
    const { driver, probe } = vmm;
    this.#emit({ event: 'resumed', vmm: driver.name, accelerator: probe.accelerator, takenAt });
  }

  checkpointed(pause: number, bytes: number): void {
    this.#emit({ event: 'checkpointed', pause: Number(pause.toFixed(3)), bytes });
  }

  guest({ name, uptime, fields }: GuestEvent): void {
    mark(`guest: ${name}`);
    if (name === 'boot') {
      // When its kernel started, by its own clock.
      mark('guest: kernel starts', performance.now() - uptime * 1000);
      this.#markOnce('booted');
    }
    if (name === 'progress') this.progress = progressOf(fields);
    if (name === 'wake') this.#markOnce('booted');
    if (name === 'ready') this.#markOnce('ready');
    if (name === 'script-start') this.#markOnce('scriptsStarted');
    if (name === 'script-end') this.#mark('scriptsEnded');
    this.#emit({ event: 'guest', name, uptime, fields });
  }

  poweredOff(status: number): void {
    mark('VMM ended');
    this.#mark('poweredOff');
    this.#emit({ event: 'powered-off', status });
  }

  collected(output: CollectedOutput | undefined): void {
    mark('output collected');
    this.#mark('collected');
    this.#emit({ event: 'collected', files: output?.files ?? 0, bytes: output?.bytes ?? 0 });
  }

  ended({ state, cause }: Verdict): void {
    this.#emit({ event: 'ended', state, ...(cause === undefined ? {} : { cause }) });
  }

  /** The events as JSON lines. */
  lines(): string {
    return this.#earlier + this.#events.map((event) => `${JSON.stringify(event)}\n`).join('');
  }

  #now(): number {
    return Number(((performance.now() - this.#start) / 1000).toFixed(3));
  }

  #mark(moment: keyof InstanceTimes): void {
    this.#times = { ...this.#times, [moment]: this.#now() };
  }

  #markOnce(moment: keyof InstanceTimes): void {
    if (this.#times[moment] === null) this.#mark(moment);
  }

  #emit(body: EventBody): void {
    const event: InstanceEvent = { v: 1, time: this.#now(), ...body };
    if (this.#events.length < maxKeptEvents) this.#events.push(event);
    this.#onEvent(event);
  }
}
