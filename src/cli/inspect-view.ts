import type { PackageReport, ReportedDisk, ReportedSignature } from '../model/package-report.js';
import { parameterText } from '../model/parameter.js';
import { formatSize } from '../system/units.js';
import { printable } from '../vmm/console-ring.js';
import { outputColours as pc } from './colours.js';

/** The report for people: a screenful. Every word of it may be a stranger's. */
export function inspectText(report: PackageReport): string {
  const sections = [
    title(report),
    section('Hardware', hardwareLines(report)),
    section('Disks', report.disks.map(diskLine)),
    section('Parameters', report.parameters.map(parameterLine)),
    section('Licence', report.eulas.flatMap(eulaLines)),
    section('Trust', trustLines(report)),
    section('Problems', report.problems.map(problemLine)),
  ];
  return sections
    .flat()
    .map((line) => `${line}\n`)
    .join('');
}

const section = (name: string, lines: readonly string[]) =>
  lines.length === 0 ? [] : ['', pc.bold(name), ...lines.map((line) => `  ${line}`)];

function title({ appliance, gva, dialect, runnable, operatingSystem }: PackageReport): string[] {
  const name = appliance ? `${appliance.name} ${appliance.version}` : 'no virtual machine';
  const made = gva
    ? `appliance of GVA, base ${gva.base.name} ${gva.base.digest.slice(0, 16)}`
    : `virtual machine of another maker (OVF ${dialect})`;
  const system = operatingSystem?.description ?? operatingSystem?.version;
  const [about = ''] = appliance?.description?.trim().split('\n') ?? [];
  const verdict = runnable ? pc.green('gva run takes it') : pc.red('gva run refuses it');
  return [
    `${pc.bold(printable(name))}: ${printable(made)}${system === undefined ? '' : `, ${printable(system)}`}`,
    ...(about === '' ? [] : [printable(about)]),
    verdict,
  ];
}

function hardwareLines({ hardware, configurations, networks, transports }: PackageReport): string[] {
  if (!hardware) return [];
  const { cpus, memory, firmware, controllers, cdDrives, networkCards, configuration } = hardware;
  const cards = networkCards.map(
    ({ network = '?', subtype }) => `${network}${subtype ? ` (${subtype})` : ''}`,
  );
  const options = configurations.map(({ id, isDefault }) => `${id}${isDefault ? ' (default)' : ''}`);
  return [
    `${cpus} CPU${cpus === 1 ? '' : 's'}, ${formatSize(memory)} memory, ${firmware.toUpperCase()}, ${controllers.join(', ') || 'no controllers'}, ${cdDrives} CD drive${cdDrives === 1 ? '' : 's'}`,
    ...(options.length === 0
      ? []
      : [`options: ${options.join(', ')}${configuration ? `; shown: ${configuration}` : ''}`]),
    cards.length === 0
      ? `no network${networks.length > 0 ? ' card' : ''}`
      : `network cards (not connected by gva run): ${cards.join(', ')}`,
    ...(transports.length === 0 ? [] : [`takes parameters by ${transports.join(', ')}`]),
  ].map((line) => printable(line));
}

function diskLine({ id, role, capacity, file, size, format }: ReportedDisk): string {
  const sizes = [
    capacity === undefined ? 'unknown capacity' : formatSize(capacity),
    ...(size === undefined ? [] : [`${formatSize(size)} in the package`]),
  ];
  return printable(
    `${(role ?? id).padEnd(8)} ${sizes.join(', ')}, ${format}${file === undefined ? '' : `, ${file}`}`,
  );
}

function parameterLine({
  name,
  type,
  default: value,
  label,
  min,
  max,
  values,
}: PackageReport['parameters'][number]) {
  const limits = [
    ...(min === undefined ? [] : [`from ${min}`]),
    ...(max === undefined ? [] : [`to ${max}`]),
    ...(values === undefined ? [] : [`one of ${values.map(parameterText).join(', ')}`]),
  ];
  const shown = value === undefined ? 'must be given' : `default ${JSON.stringify(value)}`;
  return printable(
    `${name.padEnd(12)} ${type.padEnd(6)} ${shown}${limits.length > 0 ? ` (${limits.join(' ')})` : ''}${label === undefined ? '' : `  ${label}`}`,
  );
}

/** The beginning is enough to know which licence it is. */
function eulaLines(text: string): string[] {
  const lines = text.trim().split('\n');
  const shown = lines.slice(0, 4).map((line) => printable(line.slice(0, 120)));
  return lines.length > 4 ? [...shown, pc.dim(`... (${lines.length} lines; --json has all)`)] : shown;
}

function trustLines({ signature, manifest }: PackageReport): string[] {
  return [
    manifest === null
      ? pc.yellow('no manifest: damage would not be noticed')
      : `manifest ${printable(manifest)}`,
    signatureLine(signature),
  ];
}

function signatureLine(signature: ReportedSignature): string {
  if (signature.state === 'unsigned') return 'not signed';
  const { certificate, reason } = signature;
  if (signature.state === 'invalid') return pc.red(`signature refused: ${printable(reason ?? '')}`);
  const kind = certificate?.selfSigned ? ', self-signed: compare the fingerprint' : '';
  const age = certificate?.current === false ? ', not valid today' : '';
  return `signed by ${printable(certificate?.subject ?? '?')}${kind}${age}\n    SHA-256 ${certificate?.fingerprint ?? ''}`;
}

function problemLine({ severity, place, message }: PackageReport['problems'][number]): string {
  const mark = severity === 'error' ? pc.red('error:') : pc.yellow('warning:');
  return `${mark} ${printable(place)}: ${printable(message)}`;
}
