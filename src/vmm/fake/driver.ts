import {
  type Capabilities,
  type MachineSpec,
  type Probe,
  type VirtualMachine,
  type VmmDriver,
  runsOnly,
} from '../driver.js';
import { eventsDescriptor, startSupervised } from '../supervisor.js';

/** A guest that boots at once, runs one script well and powers off; its output disk stays empty. */
export const doneScript = guestScript([
  'boot t=0.01 contract=1',
  'ready t=0.01',
  'script-start t=0.01 name=50-autorun',
  'script-end t=0.02 name=50-autorun status=0 free=60000',
  'done t=0.02 scripts=1 failed=0',
]);

/** Shell commands that say these events, each without its `@gva1`. */
export function guestScript(events: readonly string[]): string {
  return events.map((event) => `echo '@gva1 ${event}' >&${eventsDescriptor}\n`).join('');
}

export interface FakeOptions {
  /** Shell commands that play the guest; `doneScript` where absent. */
  readonly script?: string;
}

/**
 * No virtual machine: a shell script plays the guest, so that what happens around a guest can be tested in
 * milliseconds. What it writes to descriptor 4 is the guest's serial line; to descriptor 5 or standard output,
 * its console. The image of each disk is in the environment: GVA_FAKE_OUTPUT, GVA_FAKE_CDROM, GVA_FAKE_APP, ...;
 * GVA_FAKE_ID is the machine's id. Images below overlays are shared: a script must not write them.
 */
export class FakeDriver implements VmmDriver {
  readonly name = 'fake';
  readonly capabilities: Capabilities = {
    ...runsOnly,
    maxCpus: 255,
    boots: ['direct', 'firmware'],
  };
  readonly #script: string;

  constructor({ script = doneScript }: FakeOptions = {}) {
    this.#script = script;
  }

  probe(): Promise<Probe> {
    return Promise.resolve({ available: true, version: '1', accelerator: 'none' });
  }

  start(spec: MachineSpec): Promise<VirtualMachine> {
    const disks = spec.disks.map(({ id, image }) => [`GVA_FAKE_${id.toUpperCase()}`, image] as const);
    return startSupervised({
      program: '/bin/sh',
      args: ['-c', this.#script],
      env: { ...Object.fromEntries(disks), GVA_FAKE_ID: spec.id },
    });
  }
}
