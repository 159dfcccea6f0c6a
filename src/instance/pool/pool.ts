import { isDeepStrictEqual } from 'node:util';
import { GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { mark } from '../../system/profile.js';
import { type Scratch, createScratch } from '../scratch.js';
import { Member, type PoolKind } from './member.js';
import { type RehearsalImages, makeRehearsalImages } from './rehearsal.js';

/** Machines in a row that were of no use, after which no more are made. */
const mostFailures = 3;
/** Milliseconds after which a machine that nobody has taken goes. */
const defaultAge = 5 * 60_000;

export interface PoolOptions {
  /** Told, for people, when no more machines are made. */
  readonly say: (text: string) => void;
  /** Milliseconds; 5 minutes where absent. */
  readonly mostAge?: number;
}

/** How many machines may wait at present. */
export interface PoolSize {
  readonly most: number;
  /** More may be made up to there; else only those that are there may stay. */
  readonly fill: boolean;
}

/**
 * Machines that wait for instances, of one kind: that of the first instance that was started warm. They are made one
 * after another, in the background; each that is taken, has died or has waited for long is replaced by a new one.
 */
export class WarmPool implements AsyncDisposable {
  readonly #say: PoolOptions['say'];
  readonly #mostAge: number;
  readonly #idle = new Set<Member>();
  readonly #ending = new Set<Promise<void>>();
  #kind: PoolKind | undefined;
  #size: PoolSize = { most: 0, fill: false };
  #images: { readonly scratch: Scratch; readonly images: RehearsalImages } | undefined;
  #filling: Promise<void> | undefined;
  #making: AbortController | undefined;
  #failures = 0;
  #made = 0;
  /** Nobody has taken any for long: none are made until somebody does. */
  #resting = false;

  constructor({ say, mostAge = defaultAge }: PoolOptions) {
    this.#say = say;
    this.#mostAge = mostAge;
  }

  /** Machines that could be taken. */
  get waiting(): number {
    return this.#idle.size;
  }

  /** Machines that are there besides those of instances, with one that is being made. */
  get machines(): number {
    return this.#idle.size + (this.#making ? 1 : 0);
  }

  /** An instance was started so; the next ones could have machines that are there already. */
  want(kind: PoolKind): void {
    if (kind.driver.capabilities.exchange) this.#kind ??= kind;
    this.#resting = false;
    this.#fill();
  }

  /** A machine for an instance of that kind, which is the caller's from now on; undefined where none waits. */
  take({ driver, shape }: Pick<PoolKind, 'driver' | 'shape'>): Member | undefined {
    this.#resting = false;
    const [member] = this.#idle;
    if (!member || this.#kind?.driver !== driver || !isDeepStrictEqual(this.#kind.shape, shape))
      return undefined;
    this.#idle.delete(member);
    this.#fill();
    return member;
  }

  /** Called about once a second; with `most: 0`, all go. */
  resize(size: PoolSize): void {
    this.#size = size;
    if (size.most === 0) this.#making?.abort();
    for (const member of this.#idle) {
      const aged = member.age > this.#mostAge;
      this.#resting ||= aged;
      if (aged || this.#idle.size > size.most) this.#discard(member);
    }
    this.#fill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resize({ most: 0, fill: false });
    try {
      await this.#filling;
    } finally {
      await Promise.all(this.#ending);
      await this.#images?.scratch[Symbol.asyncDispose]();
    }
  }

  #discard(member: Member): void {
    this.#idle.delete(member);
    const ending = member[Symbol.asyncDispose]().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #isFull(): boolean {
    const { most, fill } = this.#size;
    return !fill || this.#resting || this.#failures >= mostFailures || this.#idle.size >= most;
  }

  #fill(): void {
    const kind = this.#kind;
    if (!kind || this.#filling || this.#isFull()) return;
    this.#filling = this.#makeAll(kind).finally(() => (this.#filling = undefined));
    // A bug that it throws is told at the end.
    this.#filling.catch(() => undefined);
  }

  async #makeAll(kind: PoolKind): Promise<void> {
    while (!this.#isFull()) {
      const controller = new AbortController();
      this.#making = controller;
      try {
        const member = await this.#make(kind, controller.signal);
        this.#keep(member, controller.signal);
      } catch (error) {
        if (!(error instanceof GvaError) && errnoOf(error) === undefined && !controller.signal.aborted)
          throw error;
        if (!controller.signal.aborted) this.#fail(messageOf(error));
      } finally {
        this.#making = undefined;
      }
    }
  }

  async #make(kind: PoolKind, signal: AbortSignal): Promise<Member> {
    this.#images ??= await newImages(kind);
    const id = `${kind.prepared.appliance.name}-${process.pid}-pool-${++this.#made}`;
    return Member.make(kind, this.#images.images, id, signal);
  }

  #keep(member: Member, { aborted }: AbortSignal): void {
    this.#idle.add(member);
    if (aborted || this.#idle.size > this.#size.most) {
      this.#discard(member);
      return;
    }
    mark('machine waits in the pool');
    this.#failures = 0;
    void member.machine.exited.then(({ status }) => {
      if (!this.#idle.has(member)) return;
      this.#discard(member);
      this.#fail(`a machine of the pool ended with status ${status}`);
      this.#fill();
    });
  }

  #fail(why: string): void {
    if (++this.#failures === mostFailures) this.#say(`no more machines are kept ready: ${why}`);
  }
}

async function newImages({ shape }: PoolKind): Promise<{ scratch: Scratch; images: RehearsalImages }> {
  const scratch = await createScratch();
  try {
    return { scratch, images: await makeRehearsalImages(shape, scratch.folder) };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}
