import type { HardwareItem } from '../../model/envelope.js';
import { quoted } from '../descriptor/text.js';
import { type ControllerKind, controllerKind, isSlot, resource, slotsOf } from './controller-kind.js';

export interface Controller {
  /** Instance id of its item; one that no item describes gets another. */
  readonly id: string;
  readonly kind: ControllerKind;
  /** Which of its type, counted from 0: of IDE controllers 0 is the primary channel. */
  readonly address: number;
}

/** Where a device is attached. */
export interface Attachment {
  readonly controller: Controller;
  readonly address: number;
}

export type Warn = (item: HardwareItem, message: string) => void;

/** The controllers of a machine and what is attached to them. */
export class Controllers {
  readonly #byId = new Map<string, Controller>();
  readonly #used = new Map<Controller, Set<number>>();
  readonly #warn: Warn;

  constructor(items: readonly HardwareItem[], warn: Warn) {
    this.#warn = warn;
    const parents = new Set(items.map(({ parent }) => parent));
    for (const { item, kind, address } of addressed(items, parents, warn))
      this.#byId.set(item.instanceId, { id: item.instanceId, kind, address });
  }

  /** In the order in which a firmware looks at them: types as they come, then by address. */
  list(): Controller[] {
    const order = new Map<string, number>();
    for (const { kind } of this.#byId.values()) if (!order.has(kind)) order.set(kind, order.size);
    return [...this.#byId.values()].sort(
      (a, b) => (order.get(a.kind) ?? 0) - (order.get(b.kind) ?? 0) || a.address - b.address,
    );
  }

  /**
   * Attaches a device where its item says, or as near to that as possible; `fallback` is the kind of controller
   * for one that says nothing. Undefined where its controller is full.
   */
  attach(item: HardwareItem, fallback: ControllerKind): Attachment | undefined {
    const parent = this.#parentOf(item, fallback);
    const controller = this.#hasRoom(parent) ? parent : this.#neighbourOf(parent);
    if (controller === undefined) return undefined;
    const used = this.#usedOf(controller);
    const asked = numberOf(item.addressOnParent);
    const free = (address: number) => isSlot(controller.kind, address) && !used.has(address);
    const address = asked !== undefined && free(asked) ? asked : slotsOf(controller.kind).find(free);
    if (address === undefined) return undefined;
    if (controller !== parent || (asked !== undefined && address !== asked))
      this.#warn(
        item,
        `its address is taken or none of the controller's; it gets ${placeOf(controller, address)}`,
      );
    used.add(address);
    return { controller, address };
  }

  /** Old versions of VirtualBox describe both channels of IDE as one controller. */
  #neighbourOf(full: Controller): Controller | undefined {
    if (full.kind !== 'ide') return undefined;
    const channels = this.list().filter(({ kind }) => kind === 'ide');
    return (
      channels.find((each) => this.#hasRoom(each)) ?? (channels.length < 2 ? this.#add('ide') : undefined)
    );
  }

  #usedOf(controller: Controller): Set<number> {
    const used = this.#used.get(controller) ?? new Set();
    this.#used.set(controller, used);
    return used;
  }

  #parentOf(item: HardwareItem, fallback: ControllerKind): Controller {
    const parent = item.parent === undefined ? undefined : this.#byId.get(item.parent);
    if (parent !== undefined) return parent;
    if (item.parent !== undefined && item.parent !== NO_PARENT)
      this.#warn(item, `its controller ${quoted(item.parent)} is not described; it gets one (${fallback})`);
    const room = this.list().find((each) => each.kind === fallback && this.#hasRoom(each));
    return room ?? this.#add(fallback);
  }

  #hasRoom(controller: Controller): boolean {
    return this.#usedOf(controller).size < slotsOf(controller.kind).length;
  }

  #add(kind: ControllerKind): Controller {
    const taken = new Set(
      [...this.#byId.values()].filter((each) => each.kind === kind).map(({ address }) => address),
    );
    const address = lowestFree(taken);
    let id = `${kind}-${address}`;
    while (this.#byId.has(id)) id += '+';
    const controller = { id, kind, address };
    this.#byId.set(controller.id, controller);
    return controller;
  }
}

function placeOf({ kind, address }: Controller, slot: number): string {
  return `${kind} ${address}:${slot}`;
}

/** What oVirt writes for none. */
const NO_PARENT = '00000000-0000-0000-0000-000000000000';

interface Addressed {
  readonly item: HardwareItem;
  readonly kind: ControllerKind;
  readonly address: number;
}

/** Controllers count from 0 within their resource type. */
function addressed(
  items: readonly HardwareItem[],
  parents: ReadonlySet<string | undefined>,
  warn: Warn,
): Addressed[] {
  const taken = new Map<number, Set<number>>();
  return items.flatMap((item) => {
    const found = controllerKind(item);
    if (found === undefined) return [];
    // oVirt's graphics cards have the type of other storage, too.
    const isParent = parents.has(item.instanceId);
    if (item.resourceType === resource.otherStorage && !isParent && item.subtypes.length === 0) return [];
    if (!found.known && isParent)
      warn(item, `its type ${quoted(item.subtypes.join(', '))} is not known; it is taken for ${found.kind}`);
    const used = taken.get(item.resourceType) ?? new Set();
    const asked = numberOf(item.address);
    const address = asked !== undefined && asked < 256 && !used.has(asked) ? asked : lowestFree(used);
    used.add(address);
    taken.set(item.resourceType, used);
    return [{ item, kind: found.kind, address }];
  });
}

function lowestFree(used: ReadonlySet<number>): number {
  for (let address = 0; ; address += 1) if (!used.has(address)) return address;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}
