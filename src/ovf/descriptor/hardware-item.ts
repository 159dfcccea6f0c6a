import type { HardwareItem } from '../../model/envelope.js';
import { isCim, isOvf } from './namespaces.js';
import { parseBoolean, parseWhole, safeNumber } from './numbers.js';
import { present } from './present.js';
import { type Reading, attribute, isRequired, reportUnknown, textOf } from './reading.js';
import { quoted, words } from './text.js';
import type { XmlElement } from './xml.js';

/**
 * The settings of CIM_ResourceAllocationSettingData, CIM_StorageAllocationSettingData and
 * CIM_EthernetPortAllocationSettingData, as the schemas of OVF 2.0.1 have them, and those of OVF 0.9.
 */
const SETTINGS: ReadonlySet<string> = new Set(
  `Access Address AddressOnParent AllocationUnits AllowedPriorities AllowedToReceiveMACAddresses
  AllowedToReceiveVLANs AllowedToTransmitMACAddresses AllowedToTransmitVLANs AutomaticAllocation
  AutomaticDeallocation BusNumber Caption ChangeableType ComponentSetting ConfigurationName Connection
  ConsumerVisibility DefaultPortVID DefaultPriority Description DesiredVLANEndpointMode DeviceID ElementName
  Generation GroupID HostExtentName HostExtentNameFormat HostExtentNameNamespace HostExtentStartingAddress
  HostResource HostResourceBlockSize InstanceID InstanceId Limit ManagerID MappingBehavior
  NetworkPortProfileID NetworkPortProfileIDType OtherEndpointMode OtherHostExtentNameFormat
  OtherHostExtentNameNamespace OtherNetworkPortProfileIDTypeInfo OtherResourceType Parent PoolID
  PortCorrelationID PortVID Promiscuous ReceiveBandwidthLimit ReceiveBandwidthReservation Reservation
  ResourceSubType ResourceType SoID SoOrgID SourceMACFilteringEnabled VSITypeID VSITypeIDVersion
  VirtualQuantity VirtualQuantityUnits VirtualResourceBlockSize Weight`.split(/\s+/),
);

/** One virtual device; undefined, and told, where it is unusable. An item that is not required may be broken. */
export function readItem(reading: Reading, element: XmlElement): HardwareItem | undefined {
  const required = isRequired(element);
  const settings = settingsOf(reading, element);
  const one = (name: string) => nonEmpty(settings.get(name)?.[0], reading);
  const instanceId = one('InstanceID') ?? one('InstanceId');
  const resourceType = readResourceType(reading, element, one('ResourceType'), required);
  if (instanceId === undefined)
    reading.problems.fault(element, required, `${element.name} has no InstanceID`);
  if (instanceId === undefined || resourceType === undefined) return undefined;
  const number = (name: string) => readNumber(reading, element, name, one(name), required);
  const item: HardwareItem = {
    instanceId,
    resourceType,
    subtypes: words(one('ResourceSubType') ?? ''),
    ...present({
      elementName: one('ElementName') ?? one('Caption'),
      address: one('Address') ?? one('BusNumber'),
      parent: one('Parent'),
      addressOnParent: one('AddressOnParent'),
      quantity: number('VirtualQuantity'),
      reservation: number('Reservation'),
      units: one('AllocationUnits'),
      automaticAllocation: parseBoolean(one('AutomaticAllocation') ?? ''),
      bound: readBound(reading, element),
    }),
    hostResources: textsOf(settings.get('HostResource')),
    connections: textsOf(settings.get('Connection')),
    configurations: words(attribute(element, 'configuration') ?? ''),
    required,
  };
  reading.origins.set(item, element);
  return item;
}

/** By name, in any order: that of the schema is kept by few. Tells of unknown ones. */
function settingsOf(reading: Reading, element: XmlElement): ReadonlyMap<string, XmlElement[]> {
  const settings = new Map<string, XmlElement[]>();
  for (const child of element.children) {
    const known = SETTINGS.has(child.name) && (isCim(child.namespace) || isOvf(child.namespace));
    if (!known) reportUnknown(reading, child);
    else if (settings.has(child.name)) settings.get(child.name)?.push(child);
    else settings.set(child.name, [child]);
  }
  return settings;
}

function nonEmpty(element: XmlElement | undefined, reading: Reading): string | undefined {
  const text = element && textOf(reading, element);
  return text === '' ? undefined : text;
}

function textsOf(elements: readonly XmlElement[] = []): string[] {
  return elements.map(({ text }) => text.trim()).filter((text) => text !== '');
}

/** CIM_ResourceAllocationSettingData.ResourceType is a uint16. */
function readResourceType(
  reading: Reading,
  element: XmlElement,
  text: string | undefined,
  required: boolean,
): number | undefined {
  const type = text === undefined ? undefined : parseWhole(text);
  if (type !== undefined && type <= 0xffffn) return Number(type);
  const message =
    text === undefined
      ? `${element.name} has no ResourceType`
      : `the ResourceType ${quoted(text)} is no number from 0 to 65535`;
  reading.problems.fault(element, required, message);
  return undefined;
}

function readNumber(
  reading: Reading,
  element: XmlElement,
  name: string,
  text: string | undefined,
  required: boolean,
): number | undefined {
  if (text === undefined) return undefined;
  const value = parseWhole(text);
  const number = value === undefined ? undefined : safeNumber(value);
  const why = value === undefined ? 'is no whole number' : 'is beyond every machine';
  if (number === undefined) reading.problems.fault(element, required, `${name} ${quoted(text)} ${why}`);
  return number;
}

function readBound(reading: Reading, element: XmlElement): HardwareItem['bound'] {
  const text = attribute(element, 'bound')?.trim() ?? '';
  if (text === 'min' || text === 'max' || text === 'normal') return text;
  if (text !== '') reading.problems.warning(element, `ovf:bound=${quoted(text)} is not known`);
  return undefined;
}
