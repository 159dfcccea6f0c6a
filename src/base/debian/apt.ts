import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitCode, GvaError } from '../../system/errors.js';
import { runTool } from '../../system/process.js';
import { type DebianSuite, debianSuites } from './options.js';

/** An index of packages that this machine's apt is set up for. */
interface IndexTarget {
  /** `FILE:N`: line N of a file of one-line entries, stanza N of a deb822 file. */
  readonly entry: string;
  /** As in the entry: `bookworm`, or `stable`. */
  readonly release: string;
  /** The archive's own word, where lists were fetched; else as `release`. */
  readonly codename: string;
  readonly architecture: string;
}

/**
 * Writes the entries of this machine's apt for a suite, its updates and its security archive into files of `folder`,
 * with everything that they say of keys and options.
 *
 * @returns the files
 * @throws GvaError SUITE_MISSING
 */
export async function writeSources(suite: DebianSuite, folder: string, arch: string): Promise<string[]> {
  const targets = await indexTargets();
  const wanted = [suite, `${suite}-updates`, `${suite}-security`];
  const chosen = targets.filter((each) => each.architecture === arch && wanted.includes(each.codename));
  if (!chosen.some(({ codename }) => codename === suite)) throw suiteMissing(suite, targets);
  const lines: string[] = [];
  const stanzas: string[] = [];
  for (const entry of new Set(chosen.map((each) => each.entry))) {
    const releases = [
      ...new Set(chosen.filter((each) => each.entry === entry).map(({ release }) => release)),
    ];
    const [, file = '', number = ''] = /^(.*):(\d+)$/.exec(entry) ?? [];
    const text = await readFile(file, 'utf8');
    if (file.endsWith('.sources')) stanzas.push(stanzaFor(stanzaOf(text, Number(number)), releases));
    else lines.push(text.split('\n')[Number(number) - 1] ?? '');
  }
  const files: string[] = [];
  for (const [name, parts, between] of [
    ['gva.list', lines, '\n'],
    ['gva.sources', stanzas, '\n\n'],
  ] as const) {
    if (parts.length === 0) continue;
    await writeFile(join(folder, name), `${parts.join(between)}\n`);
    files.push(join(folder, name));
  }
  return files;
}

/** The first suite of Debian that this machine's apt has. @throws GvaError SUITE_MISSING */
export async function firstKnownSuite(): Promise<DebianSuite> {
  const targets = await indexTargets();
  const found = debianSuites.find((suite) => targets.some(({ codename }) => codename === suite));
  if (found === undefined) throw suiteMissing(debianSuites[0], targets);
  return found;
}

/** Of all suites that this machine's apt has. */
export const knownCodenames = async (): Promise<ReadonlySet<string>> =>
  new Set((await indexTargets()).map(({ codename }) => codename));

/** The archive's own words are there only where its lists were fetched, and it is listed only without them else. */
async function indexTargets(): Promise<IndexTarget[]> {
  const codenames = new Map<string, string>();
  for (const [key, , , codename] of await askTargets('$(CODENAME)')) codenames.set(key, codename);
  return (await askTargets('', '--no-release-info')).map(([key, entry, release, , architecture]) => ({
    ...{ entry, release, architecture },
    codename: codenames.get(key) || release,
  }));
}

async function askTargets(
  codename: string,
  ...options: string[]
): Promise<[key: string, entry: string, release: string, codename: string, architecture: string][]> {
  const format = `$(SOURCESENTRY)|$(RELEASE)|${codename}|$(ARCHITECTURE)`;
  const args = ['indextargets', ...options, '--format', format, 'Created-By: Packages'];
  return (await runTool('apt-get', args))
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [entry = '', release = '', name = '', architecture = ''] = line.split('|');
      return [`${entry} ${release}`, entry, release, name, architecture];
    });
}

/** Stanzas of a deb822 file are separated by blank lines and counted from 1; comments do not separate. */
function stanzaOf(text: string, number: number): string {
  const stanzas = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n(?:[ \t]*\n)+/)
    .map((stanza) => stanza.trim())
    .filter(Boolean);
  return stanzas[number - 1] ?? '';
}

/** The stanza with no other suites than these, for binary packages. A field goes on in lines that begin with a blank. */
function stanzaFor(stanza: string, releases: readonly string[]): string {
  return stanza
    .replace(/^Suites:.*(?:\n[ \t].*)*/im, `Suites: ${releases.join(' ')}`)
    .replace(/^Types:.*(?:\n[ \t].*)*/im, 'Types: deb');
}

function suiteMissing(suite: string, targets: readonly IndexTarget[]): GvaError {
  const known = [...new Set(targets.map(({ codename }) => codename))];
  return new GvaError(
    'SUITE_MISSING',
    `this machine's apt has no source of the suite ${suite}; it has ${known.join(', ') || 'none at all'}`,
    {
      exitCode: ExitCode.infrastructure,
      hint: `Add one with ${suite}, ${suite}-updates and ${suite}-security to /etc/apt/sources.list.d, then: sudo apt-get update`,
    },
  );
}

/** Settings of apt that are its own, whatever the machine: which indexes there are, and their compression. */
const builtIn = /^Acquire::(IndexTargets|CompressionTypes|Changelogs)\b/;

/**
 * What apt must know to reach the archive from this machine: proxies, certificates, where it finds its passwords.
 * May itself hold passwords: keep it to the user.
 */
export async function acquireSettings(): Promise<string> {
  const dump = (await runTool('apt-config', ['dump'])).toString().split('\n');
  const shell = (
    await runTool('apt-config', ['shell', 'FILE', 'Dir::Etc::netrc/f', 'PARTS', 'Dir::Etc::netrcparts/d'])
  ).toString();
  const path = (name: string) => new RegExp(`^${name}='(.*)'$`, 'm').exec(shell)?.[1];
  const places = [
    ['Dir::Etc::netrc', path('FILE')],
    ['Dir::Etc::netrcparts', path('PARTS')],
  ].flatMap(([name, value]) => (value ? [`${name ?? ''} "${value}";`] : []));
  const settings = dump.filter(
    (line) => line.startsWith('Acquire::') && !line.endsWith(' "";') && !builtIn.test(line),
  );
  return [...settings, ...places, ''].join('\n');
}
