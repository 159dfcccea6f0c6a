import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAppliance } from '../appliance/load.js';
import type { Base } from '../base/store.js';
import { ensureFolder, readTextIfExists } from '../system/files.js';
import { applianceFiles, guestFile, resultFiles, scratchFiles } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import { scriptOutput } from './collect.js';
import { inputFilesFromWords } from './input-files.js';
import { prepareAppliance } from './prepare.js';
import { runInstance } from './run.js';
import { createScratch } from './scratch.js';

/** Its quotes, and blanks side by side, do not survive a careless shell. guest/verify/check.sh knows it. */
const text = 'it\'s  "one" word';

const manifest = `name: contract
run: ./check.sh
parameters:
  text: { type: string }
output: { size: 8M }
`;

/**
 * Boots a base with an appliance that tries what the guest contract promises to applications.
 *
 * @returns what does not hold, a line for each; empty where the contract is kept
 */
export async function verifyContract(base: Base, vmm: ChosenVmm, signal: AbortSignal): Promise<string[]> {
  await using scratch = await createScratch();
  const folder = join(scratch.folder, scratchFiles.appliance);
  const beside = join(scratch.folder, 'beside.txt');
  await writeAppliance(folder);
  await writeFile(beside, 'beside\n');
  const prepared = await prepareAppliance(await loadAppliance(folder), base);
  const out = join(scratch.folder, 'results');
  const result = await runInstance(
    {
      ...{ id: `contract-${process.pid}`, prepared, out, force: false, keep: 'files', keepDisks: false },
      parameters: { text },
      files: await inputFilesFromWords([beside]),
      limits: { boot: 180, total: 300, powerOff: 60 },
      durable: false,
    },
    vmm,
    () => undefined,
    signal,
  );
  signal.throwIfAborted();
  const [script] = result.scripts;
  const said = script ? await scriptOutput(join(out, resultFiles.output), script.name, 'stderr') : [];
  if (result.state !== 'done') return [result.message ?? `it is ${result.state}`, ...said];
  const kept = await readTextIfExists(join(out, resultFiles.output, 'kept.txt'));
  return kept === 'kept\n' ? [] : ['what was written to /output did not come home'];
}

async function writeAppliance(folder: string): Promise<void> {
  const app = await ensureFolder(join(folder, applianceFiles.app));
  const data = join(folder, applianceFiles.data);
  await mkdir(data);
  await writeFile(join(data, 'here.txt'), 'data\n');
  await writeFile(join(folder, applianceFiles.manifest), manifest);
  await copyFile(guestFile('verify/check.sh'), join(app, 'check.sh'));
  await chmod(join(app, 'check.sh'), 0o755);
}
