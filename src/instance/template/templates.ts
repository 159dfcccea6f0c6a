import { setTimeout as sleep } from 'node:timers/promises';
import { GvaError, messageOf } from '../../system/errors.js';
import { ensureFolder } from '../../system/files.js';
import { lockFolder } from '../../system/folder-lock.js';
import { templateLock } from '../../system/paths.js';
import { mark } from '../../system/profile.js';
import type { VmmDriver } from '../../vmm/driver.js';
import { type Template, TemplateCache } from './cache.js';
import { templateKey, templateParts } from './key.js';
import { type TemplateOrder, makeTemplate } from './make.js';
import { cacheLimit, pruneTemplates } from './prune.js';
import { type MachineShape, templateSpec } from './shape.js';

/** What to do where there is no template: nothing, make one unless somebody else does, or make or wait for one. */
export type MakeTemplate = 'never' | 'unless-busy' | 'wait';

export interface TemplateWish {
  readonly shape: MachineShape;
  readonly driver: VmmDriver;
  readonly make: MakeTemplate;
  /** Seconds until the guest of a new template must be up, and from then on until it must be idle (`TemplateOrder`). */
  readonly bootLimit: number;
  readonly beforeLimit?: number | undefined;
}

type Ordered = Pick<TemplateOrder, 'key' | 'parts' | 'shape'>;

/** Clones of no use, of one key, after which this process makes no more of them. */
const mostFailures = 4;
/** Milliseconds between two looks at a template that another process makes. */
const look = 100;

/** The templates that one process uses. What it has found once it does not look for again. */
export class Templates {
  readonly #cache: TemplateCache;
  readonly #say: (text: string) => void;
  readonly #limit: number;
  readonly #found = new Map<string, Promise<Template | string | undefined>>();
  readonly #failures = new Map<string, number>();
  /** By shape: its key costs a millisecond. */
  readonly #orders = new Map<string, Promise<Ordered>>();

  /**
   * @param say told of what takes long, for people
   * @throws GvaError TEMPLATE_CACHE
   */
  constructor(say: (text: string) => void, cache = new TemplateCache()) {
    this.#say = say;
    this.#cache = cache;
    this.#limit = cacheLimit();
  }

  /**
   * The template for machines of this shape; undefined where there is none and nobody was asked to make one; a reason,
   * for people, where there could not be one. Of several calls for one shape
   * one makes it, the others wait for it.
   *
   * @throws the signal's reason
   */
  async obtain(wish: TemplateWish, signal: AbortSignal): Promise<Template | string | undefined> {
    const { bootLimit, beforeLimit } = wish;
    const order = { ...(await this.#order(wish)), bootLimit, beforeLimit };
    const { key } = order;
    const before = this.#found.get(key);
    const known = await before?.catch(() => undefined);
    // What failed in this process would fail again, at the cost of a boot each time.
    if (typeof known === 'string') return known;
    if ((this.#failures.get(key) ?? 0) >= mostFailures)
      return 'too many clones of the template were of no use';
    if (known && (await this.#cache.isUnchanged(known))) return known;
    if (this.#found.get(key) !== before) return this.obtain(wish, signal);
    const finding = this.#find(order, wish, signal);
    this.#found.set(key, finding);
    try {
      const found = await finding;
      if (found === undefined) this.#found.delete(key);
      return found;
    } catch (error) {
      this.#found.delete(key);
      throw error;
    }
  }

  /** Whether there is one for machines of this shape, whatever its state. */
  async has(shape: MachineShape, driver: VmmDriver): Promise<boolean> {
    const { key } = await this.#order({ shape, driver });
    return (await this.#cache.keys()).includes(key);
  }

  /** A clone of it was of no use. */
  async noteFailure(template: Template): Promise<void> {
    const { key } = template;
    this.#failures.set(key, (this.#failures.get(key) ?? 0) + 1);
    await this.#cache.noteFailure(template);
  }

  #order({ shape, driver }: Pick<TemplateWish, 'shape' | 'driver'>): Promise<Ordered> {
    const name = JSON.stringify([driver.name, shape]);
    const known = this.#orders.get(name);
    if (known) return known;
    const order = (async () => {
      const nowhere = { uml: '/', hostfs: '/' };
      const facts = (await driver.templates?.facts(templateSpec(shape, '/', nowhere))) ?? {};
      const parts = await templateParts(shape, facts);
      return { key: templateKey(parts), parts, shape };
    })();
    this.#orders.set(name, order);
    return order;
  }

  /** Undefined where there is none and none is to be made; a reason where it could not be made. */
  async #find(
    order: TemplateOrder,
    wish: TemplateWish,
    signal: AbortSignal,
  ): Promise<Template | string | undefined> {
    const { key } = order;
    for (let damaged = false; ;) {
      signal.throwIfAborted();
      const found = await this.#cache.find(key);
      if (found && !('damage' in found)) return found;
      if (found) this.#say(`the template was damaged and is made again: ${found.damage}`);
      damaged ||= found !== undefined;
      if (wish.make === 'never' && !damaged) return undefined;
      await ensureFolder(this.#cache.folder);
      const { lock } = await lockFolder(this.#cache.folder, templateLock(key));
      if (lock) return await this.#findOrMake(lock, order, wish, signal);
      if (wish.make !== 'wait') return undefined;
      await sleep(look, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @param lock is released at the end */
  async #findOrMake(
    lock: AsyncDisposable,
    order: TemplateOrder,
    { driver }: TemplateWish,
    signal: AbortSignal,
  ): Promise<Template | string> {
    try {
      // Somebody may have made it between the two looks.
      const made = await this.#cache.find(order.key);
      if (made && !('damage' in made)) return made;
      return await this.#make(order, driver, signal);
    } finally {
      await lock[Symbol.asyncDispose]();
    }
  }

  async #make(order: TemplateOrder, driver: VmmDriver, signal: AbortSignal): Promise<Template | string> {
    const done = order.shape.warmed ? 'booted once, before is run in it, and it is' : 'booted once and';
    this.#say(`making a template: a guest is ${done} saved`);
    try {
      const template = await makeTemplate(this.#cache, order, driver, signal);
      mark('template made');
      await pruneTemplates(this.#cache, order.key, this.#limit).catch(() => undefined);
      return template;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof GvaError) return error.message;
      return messageOf(error);
    }
  }
}
