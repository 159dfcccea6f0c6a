import type { Appliance } from '../../model/appliance.js';
import type { Envelope, VirtualSystem } from '../../model/envelope.js';
import type { ParameterDeclaration } from '../../model/parameter.js';
import { type PropertyParameter, parametersOf } from '../../ovf/properties.js';
import type { MachineHardware } from '../../ovf/hardware.js';

/** The appliance that a package's descriptor describes, with the hardware that was chosen. */
export function applianceOf(
  system: VirtualSystem,
  { disks }: Pick<Envelope, 'disks'>,
  { cpus, memory, configuration }: Pick<MachineHardware, 'cpus' | 'memory' | 'configuration'>,
): Appliance {
  const product = system.products.find((section) => section.class === undefined) ?? system.products[0];
  const output = disks.find(({ role }) => role === 'output') ?? disks.find(({ role }) => role === 'app');
  const [eula] = system.eulas;
  return {
    name: nameOf(system),
    version: product?.version ?? '0.0.0',
    base: system.gva?.base.name ?? 'own',
    hardware: { cpus, memory },
    parameters: parametersOf(system, configuration).parameters.map(asDeclared),
    output: { size: output?.capacity ?? 0 },
    ...(system.annotation === undefined ? {} : { description: system.annotation }),
    ...(product?.vendor === undefined ? {} : { vendor: product.vendor }),
    ...(eula === undefined ? {} : { eula }),
    ...(system.gva?.warm === undefined ? {} : { warm: system.gva.warm }),
  };
}

/** What the producer alone may set has one value; without one the guest is to see empty text. */
function asDeclared(parameter: PropertyParameter): ParameterDeclaration {
  const beyond = ['userConfigurable', 'password', 'description'];
  const declaration = Object.fromEntries(
    Object.entries(parameter).filter(([name]) => !beyond.includes(name)),
  ) as unknown as ParameterDeclaration;
  if (parameter.userConfigurable) return declaration;
  const { default: value = declaration.type === 'string' ? '' : undefined } = declaration;
  return value === undefined ? declaration : { ...declaration, default: value, values: [value] };
}

/** Names of folders and instances are made of it. */
function nameOf({ id, name }: VirtualSystem): string {
  const plain = (text: string) =>
    text
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 64);
  return plain(id) || plain(name ?? '') || 'appliance';
}
