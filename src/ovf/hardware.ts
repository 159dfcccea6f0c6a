import type {
  Envelope,
  EnvelopeDisk,
  EnvelopeFile,
  HardwareItem,
  PackageProblem,
  VirtualSystem,
} from '../model/envelope.js';
import { bytesOfUnit, safeNumber } from './descriptor/numbers.js';
import { plain, quoted } from './descriptor/text.js';
import { type HostResource, hostResourcesOf } from './host-resource.js';
import { diskTypes, kindNamed, resource } from './machine/controller-kind.js';
import { type Attachment, type Controller, Controllers } from './machine/controllers.js';
import { chooseConfiguration, chooseHardware, selectItems } from './machine/items.js';

/** The machine that a virtual system asks for, as a VMM's driver needs it. */
export interface MachineHardware {
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Also those that nothing is attached to. */
  readonly controllers: readonly Controller[];
  /** In the order in which firmware tries to boot them. */
  readonly disks: readonly (Attachment & { readonly disk: EnvelopeDisk })[];
  /** `file` is what lies in the drive. */
  readonly cdDrives: readonly (Attachment & { readonly file?: EnvelopeFile })[];
  readonly floppyDrives: number;
  readonly nics: readonly Nic[];
  readonly serialPorts: number;
  readonly firmware: 'bios' | 'uefi';
  /** Id of the configuration that this is; absent where the package has none. */
  readonly configuration?: string;
  readonly problems: readonly PackageProblem[];
}

export interface Nic {
  readonly network?: string;
  /** As written: `E1000`, `VmxNet3`. */
  readonly subtype?: string;
}

/** What a machine gets that says nothing. */
const DEFAULT_MEMORY = 256 * 2 ** 20;
const MAX_CPUS = 1024;
const MAX_MEMORY = 2 ** 46;

/**
 * What hardware a virtual system asks for. References that lead nowhere are left out here without a word:
 * the descriptor's own problems tell of them.
 *
 * @param configuration id; else the package's default
 * @throws GvaError OVF_CONFIGURATION where the package has no such configuration
 */
export function hardwareOf(
  system: VirtualSystem,
  envelope: Pick<Envelope, 'files' | 'disks' | 'configurations'>,
  configuration?: string,
): MachineHardware {
  const chosen = chooseConfiguration(envelope, configuration);
  const hardware = chooseHardware(system);
  const items = selectItems(hardware?.items ?? [], chosen);
  const tell = new Telling(system);
  const controllers = new Controllers(items, (item, message) => tell.warning(message, item));
  const ofType = (...types: number[]) => items.filter(({ resourceType }) => types.includes(resourceType));
  const resolve = hostResourcesOf(envelope);
  const disks = attachDisks(ofType(...diskTypes), resolve, controllers, tell);
  const cdDrives = attachDrives(ofType(resource.cd, resource.dvd), resolve, controllers, tell);
  warnOfOthers(items, tell);
  if (disks.length === 0 && !cdDrives.some(({ file }) => file !== undefined))
    tell.error('it has no disk and no CD: there is nothing to boot');
  return {
    cpus: countCpus(ofType(resource.cpu), tell),
    memory: sumMemory(ofType(resource.memory), tell),
    controllers: controllers.list(),
    disks: inBootOrder(disks, controllers.list()),
    cdDrives,
    floppyDrives: ofType(resource.floppy).length,
    nics: ofType(resource.ethernet).map(nicOf),
    serialPorts: ofType(resource.serialPort).length,
    firmware: hardware?.firmware ?? 'bios',
    ...(chosen !== undefined && { configuration: chosen }),
    problems: tell.problems,
  };
}

/** Problems with the places that are left when a descriptor has been read: instance ids. */
class Telling {
  readonly problems: PackageProblem[] = [];
  readonly #system: string;

  constructor({ id }: VirtualSystem) {
    this.#system = `VirtualSystem ${plain(id, 60)}`;
  }

  error(message: string, item?: HardwareItem): void {
    this.problems.push({ severity: 'error', place: this.#place(item), message });
  }

  warning(message: string, item?: HardwareItem): void {
    this.problems.push({ severity: 'warning', place: this.#place(item), message });
  }

  #place(item: HardwareItem | undefined): string {
    return item === undefined ? this.#system : `${this.#system}, item ${plain(item.instanceId, 60)}`;
  }
}

function attachDisks(
  items: readonly HardwareItem[],
  resolve: (text: string) => HostResource,
  controllers: Controllers,
  tell: Telling,
): (Attachment & { disk: EnvelopeDisk })[] {
  return fixedFirst(items).flatMap((item) => {
    const [text] = item.hostResources;
    if (text === undefined) {
      tell.warning('the disk has no image (HostResource) and is left out', item);
      return [];
    }
    const found = resolve(text);
    if (found.kind === 'file') tell.warning(`${quoted(text)} is a file, no disk, and is left out`, item);
    if (found.kind !== 'disk') return [];
    const attachment = controllers.attach(item, kindNamed([found.disk.interface ?? '']) ?? 'ahci');
    if (attachment === undefined) tell.error('there is no free address on its controller', item);
    return attachment === undefined ? [] : [{ ...attachment, disk: found.disk }];
  });
}

function attachDrives(
  items: readonly HardwareItem[],
  resolve: (text: string) => HostResource,
  controllers: Controllers,
  tell: Telling,
): (Attachment & { file?: EnvelopeFile })[] {
  return fixedFirst(items).flatMap((item) => {
    const attachment = controllers.attach(item, 'ide');
    if (attachment === undefined) {
      tell.warning('there is no free address on its controller; the drive is left out', item);
      return [];
    }
    const [text] = item.hostResources;
    const found = text === undefined ? undefined : resolve(text);
    return [{ ...attachment, ...(found?.kind === 'file' && { file: found.file }) }];
  });
}

/** Items without an address get what those with one leave. */
function fixedFirst(items: readonly HardwareItem[]): HardwareItem[] {
  const isFree = ({ addressOnParent }: HardwareItem) => (addressOnParent === undefined ? 1 : 0);
  return items.toSorted((a, b) => isFree(a) - isFree(b));
}

function inBootOrder<T extends Attachment>(devices: readonly T[], controllers: readonly Controller[]): T[] {
  const order = new Map(controllers.map((controller, index) => [controller, index]));
  return devices.toSorted(
    (a, b) => (order.get(a.controller) ?? 0) - (order.get(b.controller) ?? 0) || a.address - b.address,
  );
}

function countCpus(items: readonly HardwareItem[], tell: Telling): number {
  const cpus = items.reduce((sum, { quantity }) => sum + (quantity ?? 1), 0);
  if (items.length === 0) tell.warning('no processor is described; it gets one');
  if (items.length === 0) return 1;
  if (cpus < 1 || cpus > MAX_CPUS) tell.error(`${cpus} processors are none or too many`, items[0]);
  return Math.min(Math.max(cpus, 1), MAX_CPUS);
}

/** Without units it is megabytes, as VMware and VirtualBox take it. */
function sumMemory(items: readonly HardwareItem[], tell: Telling): number {
  let memory = 0n;
  for (const item of items) {
    const unit = bytesOfUnit(item.units ?? 'byte * 2^20');
    const quantity = item.quantity ?? item.reservation;
    if (unit === undefined) tell.error(`its unit ${quoted(item.units ?? '')} is none of memory`, item);
    else if (quantity !== undefined) memory += BigInt(quantity) * unit;
  }
  const bytes = safeNumber(memory) ?? Infinity;
  if (bytes > MAX_MEMORY) tell.error(`${memory} bytes of memory are too much`, items[0]);
  if (bytes > 0) return Math.min(bytes, MAX_MEMORY);
  tell.warning(`no memory is described; it gets ${DEFAULT_MEMORY / 2 ** 20} MiB`);
  return DEFAULT_MEMORY;
}

function nicOf({ connections: [network], subtypes: [subtype] }: HardwareItem): Nic {
  return { ...(network !== undefined && { network }), ...(subtype !== undefined && { subtype }) };
}

/** What is required the guest is said to need; graphics and sound a batch application does without. */
function warnOfOthers(items: readonly HardwareItem[], tell: Telling): void {
  const known = new Set<number>(Object.values(resource));
  for (const item of items)
    if (item.required && !known.has(item.resourceType)) {
      const name = item.elementName === undefined ? 'the device' : quoted(item.elementName);
      tell.warning(`${name} (ResourceType ${item.resourceType}) is left out`, item);
    }
}
