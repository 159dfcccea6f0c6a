import { join } from 'node:path';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { scratchFiles } from '../../system/paths.js';
import type { MachineSpec, VirtualMachine, VmmDriver } from '../../vmm/driver.js';
import { TimeLimit } from '../../vmm/time-limit.js';
import type { PreparedAppliance } from '../prepare.js';
import { type Scratch, createScratch } from '../scratch.js';
import type { Template } from '../template/cache.js';
import { type Clone, cloneSpec, wakeMachine } from '../template/clone.js';
import { EventFeed } from '../template/event-feed.js';
import type { MachineShape } from '../template/shape.js';
import { type RehearsalImages, rehearsalSpec } from './rehearsal.js';

/** What machines are kept ready for: instances of one appliance, from one template. */
export interface PoolKind {
  readonly driver: VmmDriver;
  readonly template: Template;
  readonly shape: MachineShape;
  readonly prepared: PreparedAppliance;
  /** Of each machine (`MachineSpec.cpuTime`). */
  readonly cpuTime?: number;
}

/** Milliseconds that a guest has for its rehearsal; what takes 0.3 s on a quiet host takes ten on a busy one. */
const rehearsalLimit = 60_000;

/**
 * A clone that has done a job that says nothing, and waits for the media of an instance: for one, never for another. Who
 * has taken it disposes of its machine and its scratch folder, in this order.
 */
export class Member implements AsyncDisposable {
  readonly scratch: Scratch;
  readonly machine: VirtualMachine;
  readonly #kind: PoolKind;
  readonly #feed: EventFeed;
  readonly #readyAt = performance.now();

  /**
   * @throws GvaError where it cannot be started, or does not come to wait again; nothing is left of it then
   */
  static async make(
    kind: PoolKind,
    images: RehearsalImages,
    id: string,
    signal: AbortSignal,
  ): Promise<Member> {
    const scratch = await createScratch();
    try {
      const spec = await memberSpec(kind, images, id, scratch);
      const machine = await kind.driver.start(spec);
      try {
        const feed = new EventFeed(machine.lines);
        await rehearse(machine, feed, spec, signal);
        return new Member(scratch, machine, kind, feed);
      } catch (error) {
        await machine[Symbol.asyncDispose]();
        throw error;
      }
    } catch (error) {
      await scratch[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(scratch: Scratch, machine: VirtualMachine, kind: PoolKind, feed: EventFeed) {
    this.scratch = scratch;
    this.machine = machine;
    this.#kind = kind;
    this.#feed = feed;
  }

  /** Milliseconds that it has waited. */
  get age(): number {
    return performance.now() - this.#readyAt;
  }

  /**
   * Makes it the machine of an instance.
   *
   * @param staged that machine as it would be started cold, its media in the scratch folder
   * @param limit milliseconds that it has to confirm that it is a machine of its own; the usual where absent
   * @throws GvaError; nothing of the machine is left then
   */
  async assign(
    staged: MachineSpec,
    signal: AbortSignal,
    limit?: number,
  ): Promise<Clone & { readonly machineSpec: MachineSpec }> {
    const { machine } = this;
    try {
      const spec = await cloneSpec(staged, this.#kind.shape, this.#kind.template);
      await machine.replaceDisks?.(spec.disks.filter(({ id }) => id !== 'root'));
      return { ...(await wakeMachine(machine, this.#feed, spec, signal, limit)), machineSpec: spec };
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error instanceof GvaError ? error : unusable(messageOf(error), error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
    await this.scratch[Symbol.asyncDispose]();
  }
}

async function memberSpec(
  { shape, template, prepared, cpuTime }: PoolKind,
  images: RehearsalImages,
  id: string,
  scratch: Scratch,
): Promise<MachineSpec> {
  const { machine } = prepared;
  if (machine.kind === 'plain') throw new TypeError('a machine that no template is for');
  const { app, data } = machine;
  const readable = [app.file, ...(data ? [data.file] : []), join(scratch.folder, scratchFiles.owner)];
  return {
    ...(await cloneSpec(await rehearsalSpec(shape, images, scratch), shape, template)),
    id,
    exchange: { folder: scratch.folder, readable },
    ...(cpuTime === undefined ? {} : { cpuTime }),
  };
}

/** Has the guest run a job to its end, until it waits as the template's did. */
async function rehearse(
  machine: VirtualMachine,
  feed: EventFeed,
  spec: MachineSpec,
  signal: AbortSignal,
): Promise<void> {
  using limit = new TimeLimit(machine, rehearsalLimit, signal);
  await wakeMachine(machine, feed, spec, signal);
  for (let event = await feed.next(); event; event = await feed.next()) {
    if (event.name === 'idle' && event.fields['template'] === '1') return;
    if (event.name === 'error') throw unusable(`its guest says: ${event.fields['message'] ?? '?'}`);
    if (event.name === 'done' || event.name === 'idle')
      throw unusable('its base knows no rehearsals; build it again');
  }
  signal.throwIfAborted();
  if (limit.over) throw unusable(`its rehearsal took more than ${rehearsalLimit / 1000} s`);
  const { status, stderr } = await machine.exited;
  throw unusable(`it ended with status ${status}${stderr.trim() && `: ${stderr.trim()}`}`);
}

const unusable = (problem: string, cause?: unknown) =>
  new GvaError('POOL', `a machine of the pool was of no use: ${problem}`, {
    ...{ exitCode: ExitCode.infrastructure, cause },
  });
