import type { Command } from 'commander';
import type { BaseEntry } from '../../base/catalogue/catalogue.js';
import { type BaseManifest, bootsOf, originOf } from '../../model/base.js';
import { ExitCode } from '../../system/errors.js';
import { formatSize } from '../../system/units.js';
import { printable } from '../../vmm/console-ring.js';
import { act, printJson } from '../action.js';
import { entriesNamed } from './reference.js';

interface ShowOptions {
  packages?: boolean;
  sbom?: boolean;
  json?: boolean;
}

export function addShowCommand(base: Command): void {
  base
    .command('show')
    .argument('<base>', 'NAME, or NAME@DIGEST')
    .description('say all that is known of a base image')
    .option('--packages', 'with all its packages')
    .option('--sbom', 'print its bill of materials instead: SPDX, as JSON')
    .option('--json', 'print it as one JSON document, packages included')
    .addHelpText('after', '\nExamples:\n  gva base show micro\n  gva base show numpy --packages')
    .action((reference: string, options: ShowOptions) =>
      act(options.json ?? false, () => (options.sbom ? showBill(reference) : show(reference, options))),
    );
}

async function show(reference: string, options: ShowOptions): Promise<ExitCode> {
  const { needsOf } = await import('../../base/needs.js');
  const { entryJson } = await import('./entry-view.js');
  const [entry] = await entriesNamed(reference);
  const packages = await packagesOf(entry);
  const needs = await needsOf(entry.mark);
  if (options.json) {
    printJson({ ...entryJson(entry), packages, neededBy: needs });
    return ExitCode.ok;
  }
  const lines = [
    ...(await factsOf(entry)),
    ...needs.map(({ kind, path }) => ['needed by', `${kind} ${path}`] as const),
  ];
  for (const [title, text] of lines) console.log(`${title.padEnd(13)}${printable(text)}`);
  if (options.packages)
    for (const [name, version] of Object.entries(packages))
      console.log(`  ${printable(`${name} ${version}`)}`);
  return ExitCode.ok;
}

async function showBill(reference: string): Promise<ExitCode> {
  const { billOfMaterials } = await import('../../base/bill-of-materials.js');
  const { loadBaseFolder } = await import('../../base/store.js');
  const [entry] = await entriesNamed(reference);
  process.stdout.write(billOfMaterials(await loadBaseFolder(entry.folder)));
  return ExitCode.ok;
}

/** They are in the catalogue by package; all of one base are read more quickly from its own file. */
async function packagesOf(entry: BaseEntry): Promise<Record<string, string>> {
  if (!entry.manifest) return {};
  const { loadBaseFolder } = await import('../../base/store.js');
  return (await loadBaseFolder(entry.folder)).packages;
}

async function factsOf(entry: BaseEntry): Promise<(readonly [title: string, text: string])[]> {
  const { lastUse } = await import('../../base/use.js');
  const { dateOf, originText, systemOf } = await import('./entry-view.js');
  const { name, current, mark, folder, size, builtAt, packageCount, problem } = entry;
  const manifest = entry.manifest as BaseManifest | undefined;
  const used = lastUse(folder);
  const place = [
    ['size', `${formatSize(size)} on the disk`],
    ['made', dateOf(builtAt)],
    ['last use', used === undefined ? 'never' : dateOf(used)],
    ['folder', folder],
  ] as const;
  const title = [['name', current ? name : `${name} (an earlier one)`]] as const;
  if (!manifest) return [...title, ['digest', mark], ['problem', problem ?? ''], ...place];
  const { version, description, digest, arch, contract, kernelRelease, umlRelease, imported } = manifest;
  return [
    ...title,
    ...(version === undefined ? [] : [['version', version] as const]),
    ['description', description],
    ['digest', digest],
    ['system', `${systemOf(entry)}, ${manifest.os}, ${arch}, ${manifest.fileSystem ?? 'ext4'}`],
    [
      'kernel',
      [kernelRelease, ...(umlRelease === undefined ? [] : [`User-mode Linux ${umlRelease}`])].join('; '),
    ],
    ['boots', bootsOf(manifest).join(', ')],
    ['contract', `version ${contract}`],
    ['packages', `${packageCount}; all of them: --packages`],
    ['origin', originText(originOf(manifest))],
    ...(imported ? [['imported', `from ${imported.file}, ${imported.at}`] as const] : []),
    ...place,
  ];
}
