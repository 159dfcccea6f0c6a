import type { VirtualHardware } from '../../model/envelope.js';
import type { XmlElement } from './xml.js';

/**
 * What `vbox:Machine`, VirtualBox's own description of the machine beside the standard's, says of firmware:
 * `Hardware/Firmware` or, in older ones, `Hardware/BIOS/Firmware` with a type of BIOS, EFI, EFI32, EFI64, EFIDUAL.
 */
export function firmwareOfVirtualBox(system: XmlElement): VirtualHardware['firmware'] {
  const machines = system.children.filter(
    ({ name, namespace }) => name === 'Machine' && namespace.startsWith('http://www.virtualbox.org/'),
  );
  const hardware = machines.flatMap((machine) => named(machine, 'Hardware'));
  const places = [...hardware, ...hardware.flatMap((each) => named(each, 'BIOS'))];
  const type = places
    .flatMap((each) => named(each, 'Firmware'))
    .flatMap(({ attributes }) => attributes)
    .find(({ name }) => name === 'type')?.value;
  if (type === undefined) return undefined;
  return type.toUpperCase().startsWith('EFI') ? 'uefi' : 'bios';
}

function named(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}
