import { basename } from 'node:path';
import { randomBytes } from 'node:crypto';
import { resolveParameters } from '../appliance/parameters.js';
import { ControlServer } from '../instance/control/server.js';
import { removeAbandonedResults } from '../instance/output-folder.js';
import type { InputFile } from '../instance/identity.js';
import { inputFile } from '../instance/input-files.js';
import { runInstance } from '../instance/run.js';
import type { InstanceEvent } from '../model/instance-event.js';
import type { KeepKind } from '../model/keep.js';
import type { ParameterValues } from '../model/parameter.js';
import type { InstanceResult } from '../model/result.js';
import { type LoadedAppliance, sourceOf } from './appliance.js';
import { openAppliance } from './open-appliance.js';
import { type InstanceOptions, baseOf, limitsOf, startOf } from './options.js';
import { type Running, begin } from './running.js';

/** A file of the host, and its name on the parameter CD; as a string, the path, whose last part is the name. */
export type InputFileWish = string | { readonly path: string; readonly name: string };

export interface RunOptions extends InstanceOptions {
  /** Folder for the results: new or empty. It appears whole or not at all. */
  readonly out: string;
  /** Of the parameters that are to differ from their defaults. */
  readonly parameters?: ParameterValues;
  /** Files for the parameter CD. */
  readonly files?: readonly InputFileWish[];
  /** How the output is kept; as files where absent. */
  readonly keep?: KeepKind;
  /** Replace results that are in `out`. */
  readonly force?: boolean;
}

/**
 * Runs one instance of an appliance and brings its output home, into `out/output/`. The result says how it went, whatever
 * the program did: a program that fails is no error of this function.
 *
 * @param appliance one that was loaded, or the path of its folder or package
 * @throws GvaError (as rejection of `result`, and in the loop over the events) where it could not be run at all: wrong
 *   parameters, no base, no virtual machine monitor, a folder `out` that is in use
 */
export function run(
  appliance: string | LoadedAppliance,
  options: RunOptions,
): Running<InstanceEvent, InstanceResult> {
  return runWith(openAppliance, appliance, options);
}

/** @internal @param open makes ready what instances share */
export function runWith(
  open: typeof openAppliance,
  appliance: string | LoadedAppliance,
  options: RunOptions,
): Running<InstanceEvent, InstanceResult> {
  const { out, keep = 'files', force = false, keepDisks = false } = options;
  return begin(async (tell, signal) => {
    const source = await sourceOf(appliance, signal);
    const parameters = resolveParameters(source.appliance, options.parameters ?? {});
    const files = await inputFiles(options.files ?? []);
    const wish = { vmm: options.vmm ?? 'auto', start: options.start ?? 'auto' };
    const { prepared, vmm } = await open(source, wish, baseOf(options), 1);
    signal.throwIfAborted();
    await removeAbandonedResults(out);
    await using control = await ControlServer.listen();
    const id = `${source.appliance.name}-${process.pid}-${randomBytes(3).toString('hex')}`;
    const spec = { id, prepared, parameters, files, out, force, keep, keepDisks, limits: limitsOf(options) };
    const more = { start: await startOf(options), ...(control ? { control } : {}) };
    const result = await runInstance({ ...spec, ...more }, vmm, tell, signal);
    if (result.state === 'cancelled') signal.throwIfAborted();
    return result;
  }, options.signal);
}

async function inputFiles(wishes: readonly InputFileWish[]): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const wish of wishes) {
    const { path, name } = typeof wish === 'string' ? { path: wish, name: basename(wish) } : wish;
    files.push(await inputFile(path, name, files));
  }
  return files;
}
