import type { Command } from 'commander';
import { ExitCode, GvaError } from '../system/errors.js';
import { formatSize } from '../system/units.js';
import { act, printJson } from './action.js';
import { CHOOSE } from './base-choice.js';
import type { ApplianceFolder } from '../appliance/load.js';
import type { PackOptions } from '../appliance/pack.js';
import type { Base } from '../base/store.js';
import type { EditedFolder } from '../instance/edit.js';

interface PackCommandOptions {
  out?: string;
  thin?: boolean;
  combine?: string;
  blankOutput?: boolean;
  sha1?: boolean;
  sbom?: boolean;
  sign?: string;
  certificate?: string;
  scriptTemplate?: string;
  editScript?: boolean;
  editVm?: boolean;
  choose?: boolean;
  force?: boolean;
  json?: boolean;
}

export function addPackCommand(program: Command): void {
  program
    .command('pack')
    .argument('<folder>', 'appliance folder (with a gva.yaml)')
    .description('pack an appliance as an OVA that hypervisors import and gva run takes')
    .option('-o, --out <file>', 'package to write (default: NAME.ova)')
    .option('--thin', 'leave the base image out: only GVA can run such a package, where it has that base')
    .option('--combine <list>', 'put these on one disk: app,data,output or app,data or app,output')
    .option('--blank-output', 'describe the output disk without a file (VMware takes it, others may not)')
    .option('--script-template <file>', 'make the launcher from this text, which has a line @RUN@')
    .option('--edit-script', 'change the launcher in $EDITOR first')
    .option('--edit-vm', 'boot the appliance first, with a shell on this terminal, and pack what it leaves')
    .option('--sign <key>', 'sign the package with this private key (PEM, RSA)')
    .option('--certificate <file>', "the key's certificate (PEM), with --sign")
    .option('--sbom', 'put the bill of materials of the base into the package: NAME.spdx.json (SPDX)')
    .option('--sha1', 'digests that importers before 2017 can read')
    .option(...CHOOSE)
    .option('--force', 'replace the package if it exists')
    .option('--json', 'print what was written as one JSON document')
    .addHelpText('after', examples)
    .action((folder: string, options: PackCommandOptions) =>
      act(options.json ?? false, (signal) => pack(folder, options, signal)),
    );
}

const examples = `
Examples:
  gva pack square                      square.ova: VMware, VirtualBox, Proxmox and libvirt import it
  gva pack square --thin -o small.ova  for colleagues who have GVA and the base image
  gva pack square --sign key.pem --certificate cert.pem
  gva inspect square.ova && gva run square.ova --param n=12

The same folder and base image give the same bytes.`;

async function pack(folder: string, options: PackCommandOptions, signal: AbortSignal): Promise<ExitCode> {
  const { existsSync } = await import('node:fs');
  const { loadAppliance } = await import('../appliance/load.js');
  const { packAppliance } = await import('../appliance/pack.js');
  const loaded = await loadAppliance(folder);
  const { wantedBase } = await import('../base/wanted.js');
  const { baseChoice } = await import('./base-choice.js');
  const base = await wantedBase(loaded.appliance.base, baseChoice(options, signal));
  await using edited = options.editVm ? await editInMachine(loaded, base, signal) : undefined;
  const source = edited?.source ?? loaded;
  const target = options.out ?? `${source.appliance.name}.ova`;
  if (existsSync(target) && !options.force)
    throw new GvaError('PACK_EXISTS', `${target} exists already`, { hint: 'Replace it: --force' });
  const packing: PackOptions = {
    base,
    ...(options.thin ? { thin: true } : {}),
    ...(options.blankOutput ? { blankOutput: true } : {}),
    ...(options.combine === undefined ? {} : { combine: combined(options.combine) }),
    ...(options.sbom ? { sbom: true } : {}),
    ...(options.sha1 ? { algorithm: 'SHA1' } : {}),
    ...(await signerOf(options)),
    ...(await scriptOf(source, options)),
  };
  const onDisk = (role: string, size: number) => {
    if (!options.json) console.error(`${target}: ${role} disk, ${formatSize(size)}`);
  };
  const { size, members } = await packAppliance(source, target, packing, onDisk, signal);
  if (options.json) printJson({ file: target, size, members });
  else console.error(`${target}: ${formatSize(size)} in ${members.length} files`);
  return ExitCode.ok;
}

/** The shell is on a serial line, which only QEMU has for input. */
async function editInMachine(
  source: ApplianceFolder,
  base: Base,
  signal: AbortSignal,
): Promise<EditedFolder> {
  const { editInMachine: edit } = await import('../instance/edit.js');
  const { chooseVmm } = await import('../vmm/choose.js');
  const { showFindings } = await import('./findings-view.js');
  const { vmmDrivers } = await import('../library/vmms.js');
  const vmm = await chooseVmm('qemu', vmmDrivers(base), source.appliance.hardware.cpus);
  const terminal = { input: process.stdin, output: process.stderr };
  const edited = await edit(source, base, vmm, terminal, signal);
  showFindings(edited.findings, edited.findings.length);
  return edited;
}

function combined(text: string): ('data' | 'output')[] {
  const names = text.split(',').map((name) => name.trim());
  const others = names.filter((name): name is 'data' | 'output' => name === 'data' || name === 'output');
  if (names.includes('app') && others.length === names.length - 1 && others.length > 0) return others;
  throw new GvaError('USAGE', `--combine ${text} is no list of components`, {
    hint: 'One of: app,data,output - app,data - app,output',
  });
}

async function signerOf({
  sign,
  certificate,
  sha1,
}: PackCommandOptions): Promise<Pick<PackOptions, 'signer'>> {
  if (sign === undefined && certificate === undefined) return {};
  if (sign === undefined || certificate === undefined)
    throw new GvaError('USAGE', 'signing needs both --sign KEY and --certificate FILE', {
      hint: 'openssl req -x509 -newkey rsa:3072 -nodes -subj /CN=me -keyout key.pem -out cert.pem',
    });
  const { readFile } = await import('node:fs/promises');
  const { createSigner } = await import('../ovf/signature.js');
  const read = (file: string) =>
    readFile(file).catch((error: unknown) => {
      throw new GvaError('USAGE', `cannot read ${file}`, { cause: error });
    });
  const pem = { key: await read(sign), certificate: await read(certificate) };
  return { signer: createSigner({ ...pem, algorithm: sha1 ? 'SHA1' : 'SHA256' }) };
}

async function scriptOf(
  source: ApplianceFolder,
  { scriptTemplate, editScript }: PackCommandOptions,
): Promise<Pick<PackOptions, 'script'>> {
  if (scriptTemplate === undefined && !editScript) return {};
  const { launcherText, editedLauncher } = await import('../appliance/launcher.js');
  const script = await launcherText(source, scriptTemplate);
  return { script: editScript ? await editedLauncher(script) : script };
}
