import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { applianceImages } from '../appliance/images.js';
import type { ApplianceFolder } from '../appliance/load.js';
import type { Base } from '../base/store.js';
import { openExt4 } from '../disk/ext4/index.js';
import { extractTree } from '../disk/extract.js';
import { type Finding, isLimit } from '../disk/findings.js';
import { openRaw } from '../disk/source.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { guestFile } from '../system/package.js';
import { applianceFiles, scratchFiles } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { VirtualMachine } from '../vmm/driver.js';
import type { PreparedAppliance } from './prepare.js';
import { createScratch } from './scratch.js';
import { stage } from './stage.js';
import { watchMachine } from './watch.js';

/** What a person sits at. */
export interface Terminal {
  readonly input: Readable & { setRawMode?(raw: boolean): unknown; readonly isTTY?: boolean };
  readonly output: Writable;
}

/** An appliance folder with what was changed in the machine; disposing it removes it. */
export interface EditedFolder extends AsyncDisposable {
  readonly source: ApplianceFolder;
  /** What of the changed disk could not be brought out as it is. */
  readonly findings: readonly Finding[];
}

/** What gva says on the console when a person may type. */
const greeting = 'gva: a shell';

/**
 * Boots an appliance with a shell on the terminal, and gives a folder whose `app` is what the person left in `/app`.
 * The appliance's own folder, its data and its base stay as they are.
 *
 * @throws GvaError EDIT_VM where the machine does not end in good order, EDIT_TOO_MUCH where a part only can be brought out
 */
export async function editInMachine(
  source: ApplianceFolder,
  base: Base,
  vmm: ChosenVmm,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<EditedFolder> {
  await using scratch = await createScratch();
  const prepared = await editable(source, base);
  const { appliance } = prepared;
  const parameters = Object.fromEntries(
    appliance.parameters.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value]])),
  );
  const id = `${appliance.name}-edit-${process.pid}`;
  const spec = await stage(prepared, { id, parameters, files: [] }, scratch.folder);
  await using machine = await vmm.driver.start(spec);
  using session = connect(machine, terminal);
  const watched = await watchMachine(machine, limits, () => undefined, signal);
  session[Symbol.dispose]();
  signal.throwIfAborted();
  if (!watched.done)
    throw new GvaError('EDIT_VM', 'the machine did not end in good order: nothing was packed', {
      exitCode: ExitCode.infrastructure,
      hint: `Its last words:\n${machine.console.lastLines(5).join('\n')}`,
    });
  return await changedFolder(source, join(scratch.folder, scratchFiles.output), signal);
}

const limits = { boot: 300, total: undefined, powerOff: 60 };

/** The appliance with the shell as its launcher, and /app as a disk that is read back. */
async function editable(source: ApplianceFolder, base: Base): Promise<PreparedAppliance> {
  const script = await readFile(guestFile('edit-shell'), 'utf8');
  const { app, data, digest } = await applianceImages(source, { script, combine: ['output'] });
  const machine = { kind: 'contract', base, app, ...(data ? { data } : {}), outputOn: 'app' } as const;
  return { appliance: source.appliance, digest, base, machine };
}

/** Joins the terminal with the machine's console, from the greeting on. */
function connect(machine: VirtualMachine, { input, output }: Terminal): Disposable {
  const { terminal } = machine;
  if (!terminal)
    throw new GvaError('EDIT_VM', 'this virtual machine monitor has no console that takes input', {
      hint: 'Use --vmm qemu.',
    });
  let heard = '';
  const hear = (chunk: Buffer) => {
    output.write(chunk);
    if (heard === greeting) return;
    heard = (heard + chunk.toString('latin1')).slice(-4096);
    if (!heard.includes(greeting)) return;
    heard = greeting;
    if (input.isTTY) input.setRawMode?.(true);
    input.pipe(terminal, { end: false });
  };
  terminal.on('data', hear);
  return {
    [Symbol.dispose]: () => {
      terminal.off('data', hear);
      input.unpipe(terminal);
      if (input.isTTY) input.setRawMode?.(false);
      input.pause();
    },
  };
}

const tooMuch = (findings: readonly Finding[]) =>
  new GvaError(
    'EDIT_TOO_MUCH',
    `not all of /app can be brought out, nothing was packed: ${limitOf(findings)}`,
    {
      exitCode: ExitCode.infrastructure,
    },
  );

const limitOf = (findings: readonly Finding[]) =>
  findings.find(({ code }) => isLimit(code))?.message ?? 'it is too much';

async function changedFolder(
  { appliance, folder }: ApplianceFolder,
  image: string,
  signal: AbortSignal,
): Promise<EditedFolder> {
  const edited = await mkdtemp(join(tmpdir(), 'gva-edited-'));
  const dispose = () => rm(edited, { recursive: true, force: true });
  try {
    await using disk = await openRaw(image);
    const generated = ['.gva', 'output', 'lost+found'];
    const app = join(edited, applianceFiles.app);
    await mkdir(app);
    const options = { signal, skip: (name: string) => generated.includes(name) };
    const { findings, truncated } = await extractTree(await openExt4(disk), app, options);
    if (truncated) throw tooMuch(findings);
    for (const name of [applianceFiles.manifest, applianceFiles.launcher])
      if (existsSync(join(folder, name))) await copyFile(join(folder, name), join(edited, name));
    const data = join(folder, applianceFiles.data);
    if (existsSync(data)) await symlink(data, join(edited, applianceFiles.data));
    return {
      source: { kind: 'folder', appliance, folder: edited },
      findings,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
