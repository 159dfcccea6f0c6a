import type { HardwareItem, VirtualHardware } from '../../model/envelope.js';
import { VMWARE_NAMESPACE } from './namespaces.js';
import { readItem } from './hardware-item.js';
import { type Reading, attribute, checkChildren, childrenNamed } from './reading.js';
import { quoted, words } from './text.js';
import type { XmlElement } from './xml.js';

/** Items of OVF 1, and what OVF 2 added for disks and network cards. */
const ITEMS = ['Item', 'StorageItem', 'EthernetPortItem'] as const;
/** VMware's largest machines have some hundred. */
const MAX_ITEMS = 4096;
const CHILDREN: ReadonlySet<string> = new Set(['Info', 'System', ...ITEMS]);

/** The virtual devices of a system (DSP0243 1.1.0, 8.1). */
export function readHardware(reading: Reading, section: XmlElement): VirtualHardware {
  checkChildren(reading, section, CHILDREN);
  const id = attribute(section, 'id');
  const firmware = readFirmware(section);
  return {
    ...(id !== undefined && id !== '' && { id }),
    transports: words(attribute(section, 'transport') ?? ''),
    systemTypes: readSystemTypes(section),
    ...(firmware && { firmware }),
    items: readItems(reading, section),
  };
}

function readSystemTypes(section: XmlElement): string[] {
  const settings = childrenNamed(section, 'System').flatMap(({ children }) => children);
  return settings.filter(({ name }) => name === 'VirtualSystemType').flatMap(({ text }) => words(text));
}

/** `vmw:Config` with the key `firmware` says `bios` or `efi`. */
function readFirmware(section: XmlElement): VirtualHardware['firmware'] {
  const settings = section.children.filter(
    ({ name, namespace }) => name === 'Config' && namespace === VMWARE_NAMESPACE,
  );
  const value = (element: XmlElement, name: string) =>
    element.attributes.find((each) => each.name === name)?.value;
  const setting = settings.find((element) => value(element, 'key') === 'firmware');
  const firmware = setting && value(setting, 'value')?.toLowerCase();
  return firmware === 'efi' ? 'uefi' : firmware === 'bios' ? 'bios' : undefined;
}

function readItems(reading: Reading, section: XmlElement): HardwareItem[] {
  const items: HardwareItem[] = [];
  const seen = new Map<string, Set<string>>();
  const elements = section.children.filter(({ name }) => ITEMS.some((item) => item === name));
  if (elements.length > MAX_ITEMS)
    reading.problems.error(
      section,
      `the machine has ${elements.length} devices; ${MAX_ITEMS} are read at most`,
    );
  for (const element of elements.slice(0, MAX_ITEMS)) {
    const item = readItem(reading, element);
    if (item === undefined) continue;
    checkInstance(reading, element, item, seen);
    items.push(item);
  }
  return items;
}

/**
 * Items may share an instance id where each is for another configuration, or where they give bounds for the
 * value of another (8.4 and 9.8).
 */
function checkInstance(
  reading: Reading,
  element: XmlElement,
  item: HardwareItem,
  seen: Map<string, Set<string>>,
): void {
  const key = `${item.bound ?? ''} ${item.instanceId}`;
  const others = seen.get(key) ?? new Set();
  const configurations = item.configurations.length === 0 ? [''] : item.configurations;
  if (configurations.some((configuration) => others.has(configuration)))
    reading.problems.fault(
      element,
      !reading.lenient,
      `two items have the instance id ${quoted(item.instanceId)}`,
    );
  for (const configuration of configurations) others.add(configuration);
  seen.set(key, others);
}
