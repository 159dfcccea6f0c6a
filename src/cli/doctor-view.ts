import { homedir } from 'node:os';
import { outputColours as pc } from './colours.js';
import {
  type DoctorReport,
  type FolderFacts,
  type SpeedTest,
  type Speeds,
  type VmmFinding,
  speedTests,
} from '../model/doctor.js';
import { formatSize } from '../system/units.js';
import { printable } from '../vmm/console-ring.js';

/** The report for people: a screenful. */
export function doctorText(report: DoctorReport): string {
  const sections = [
    title(report),
    ...monitors(report),
    '',
    ...hostLines(report),
    ...(report.advice.length > 0 ? ['', pc.bold('What would help')] : []),
    ...report.advice.flatMap(({ problem, hint }) => [`  ${printable(problem)}`, `    ${pc.cyan(hint)}`]),
  ];
  return `${sections.join('\n')}\n`;
}

function title({ gva, host }: DoctorReport): string {
  const { platform, kernel, arch, cpu, cpus, memory } = host;
  const usable = cpus.usable === cpus.all ? `${cpus.all}` : `${cpus.usable} of ${cpus.all}`;
  const limit = memory.limit === null ? '' : `, at most ${formatSize(memory.limit)} for this job`;
  return [
    `${pc.bold(`gva ${gva}`)} on ${platform} ${kernel} (${arch}), ${cpu}, ${usable} CPUs`,
    `memory ${formatSize(memory.total)}, ${formatSize(memory.free)} free${limit}`,
    '',
  ].join('\n');
}

const columns = ['boot', 'integer', 'float', 'syscall', 'fork'];
/** Where the names of monitors end; a mark of 4 columns comes before them. */
const nameWidth = 28;
const columnWidth = 10;

function monitors({ native, vmms, auto, measuredAt, fromCache }: DoctorReport): string[] {
  const when = fromCache
    ? `measured ${measuredAt.slice(0, 16).replace('T', ' ')} UTC, again with --fresh`
    : '';
  return [
    pc.bold('Virtual machine monitors') + (when ? pc.dim(`  (${when})`) : ''),
    pc.dim(row("  speeds in % of the host's", columns)),
    ...(native ? [row('    this host itself', ['', ...speedTests.map((test) => rate(native, test))])] : []),
    ...vmms.flatMap(monitorLines),
    ...(auto ? [`  --vmm auto takes ${pc.bold(auto.vmm)} (${auto.accelerator})`] : []),
  ];
}

const row = (name: string, cells: readonly string[], width = nameWidth) =>
  (name.padEnd(width) + cells.map((cell) => cell.padStart(columnWidth)).join('')).trimEnd();

function monitorLines(finding: VmmFinding): string[] {
  const { verdict, version, reason, said } = finding;
  const name = `${monitorName(finding)}${version === null ? '' : ` ${printable(version)}`}`;
  if (verdict !== 'works')
    return [
      `${mark(verdict)}${name.padEnd(nameWidth - 4)} ${verdict}${reason === null ? '' : `: ${printable(reason)}`}`,
      ...said.map((line) => pc.dim(`      | ${printable(line)}`)),
    ];
  const boot = `${(finding.bootSeconds ?? 0).toFixed(2)} s`;
  const cells = [boot, ...speedTests.map((test) => share(finding.relative, test))];
  return [mark(verdict) + row(name, cells, nameWidth - 4)];
}

const mark = (verdict: VmmFinding['verdict']) =>
  ({
    works: pc.green('  ✓ '),
    missing: pc.yellow('  ✗ '),
    untried: pc.yellow('  ? '),
    refused: pc.red('  ✗ '),
    hangs: pc.red('  ✗ '),
  })[verdict];

function monitorName({ vmm, accelerator }: VmmFinding): string {
  return vmm === 'uml' ? 'User-mode Linux' : `QEMU, ${accelerator.toUpperCase()}`;
}

/** "3.4 M/s" */
function rate(speeds: Speeds, test: SpeedTest): string {
  const value = speeds[test];
  if (value === undefined) return '-';
  const power =
    value >= 1e6 ? { by: 1e6, sign: ' M/s' } : value >= 1e3 ? { by: 1e3, sign: ' k/s' } : undefined;
  return power ? `${(value / power.by).toPrecision(3)}${power.sign}` : `${Math.round(value)} /s`;
}

/** Of the host's own speed. */
function share(relative: Speeds | null, test: SpeedTest): string {
  const value = relative?.[test];
  if (value === undefined) return '-';
  const percent = value * 100;
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

function hostLines({ folders, limits, tools, bases, host }: DoctorReport): string[] {
  const lines: [string, string][] = [
    ...folders.map((folder): [string, string] => [folder.use, folderText(folder)]),
    [
      'bases',
      bases.map(({ name, digest }) => `${name} ${digest?.slice(0, 12) ?? '(broken)'}`).join(', ') || 'none',
    ],
    ['tools', tools.map(({ name, path, version }) => toolText(name, path, version)).join('  ')],
    ['sandbox', sandboxText(host)],
  ];
  if (limits)
    lines.push([
      'limits',
      [
        `processes ${limits.processes.soft ?? 'no limit'}`,
        `open files ${limits.openFiles.soft ?? 'no limit'}`,
        `address space ${sizeOrNone(limits.addressSpace.soft)}`,
        `file size ${sizeOrNone(limits.fileSize.soft)}`,
      ].join(', '),
    ]);
  return [pc.bold('This host'), ...lines.map(([name, text]) => `  ${name.padEnd(9)} ${text}`)];
}

function folderText({ path, free, fileSystem, writable }: FolderFacts): string {
  const short = path.startsWith(`${homedir()}/`) ? `~${path.slice(homedir().length)}` : path;
  const room = free === null ? 'free space unknown' : `${formatSize(free)} free`;
  return `${printable(short)}: ${room}${fileSystem === null ? '' : ` (${fileSystem})`}${writable ? '' : pc.red(', not writable')}`;
}

function toolText(name: string, path: string | null, version: string | null): string {
  return path === null ? pc.red(`✗ ${name}`) : `✓ ${name}${version === null ? '' : ` ${version}`}`;
}

const sizeOrNone = (bytes: number | null) => (bytes === null ? 'no limit' : formatSize(bytes));

function sandboxText({ userNamespaces, sandbox }: DoctorReport['host']): string {
  const { setting, confined, filtered, reason } = sandbox;
  if (setting === 'off') return 'off (GVA_SANDBOX=off)';
  const names = reason === null ? 'every machine' : `${confined.join(', ')} only: ${printable(reason)}`;
  const what = filtered.length === confined.length ? 'bubblewrap and a filter of system calls' : 'bubblewrap';
  if (confined.length > 0) return `${what} around ${names}${setting === 'required' ? ', required' : ''}`;
  const namespaces = userNamespaces === null ? '' : `; user namespaces ${userNamespaces ? '' : 'not '}usable`;
  return `none: ${printable(reason ?? 'not known')}${namespaces}`;
}
