import { afterAll, beforeAll } from 'vitest';
import { buildFaultLayer } from './faults.js';
import { temporaryFolder } from './gva.js';

/** Builds the fault layer for the tests of a file. What it gives is there when they run. */
export function faultLayer(): { readonly shim: string; readonly folder: string } {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let shim: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    shim = await buildFaultLayer(folder.path);
  });
  afterAll(() => folder[Symbol.asyncDispose]());
  return {
    get shim() {
      return shim;
    },
    get folder() {
      return folder.path;
    },
  };
}

/** For a script that plays a guest: it has a kernel of its own, and no operation of its fails. @param variable its text */
export const withoutFaults = (variable: string) =>
  `[ -z "$LD_PRELOAD" ] || exec env -u LD_PRELOAD sh -c "$${variable}"\n`;
