import { join } from 'node:path';
import { runWorker } from '../grid/worker/run-worker.js';
import { type ExitCode, GvaError } from '../system/errors.js';
import { gridFiles } from '../system/paths.js';
import { hostDrivers } from '../library/vmms.js';

/**
 * Does an element of a job array, as its worker on a node.
 *
 * @param spec its file, or the folder of its chunk: GVA_ELEMENT says then which it is
 */
export async function runGridElement(spec: string, signal: AbortSignal): Promise<ExitCode> {
  const log = (message: string) => console.error(`${new Date().toISOString()} ${message}`);
  return await runWorker({ spec: elementFile(spec), driversOf: hostDrivers, signal, log });
}

function elementFile(spec: string): string {
  if (spec.endsWith('.json')) return spec;
  const element = process.env['GVA_ELEMENT'] ?? '';
  if (/^\d{1,7}$/.test(element)) return join(spec, gridFiles.element(Number(element)));
  throw new GvaError(
    'USAGE',
    `--spec ${spec} is no element's file, and GVA_ELEMENT does not say which file of it`,
    {
      hint: `Name the file: --spec ${join(spec, gridFiles.element(0))}`,
    },
  );
}
