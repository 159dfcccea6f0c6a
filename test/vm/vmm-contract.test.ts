import { join } from 'node:path';
import { beforeAll, describe } from 'vitest';
import { type DirectBase, loadDirectBase } from '../../src/base/store.js';
import type { VmmDriver } from '../../src/vmm/driver.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { UmlDriver } from '../../src/vmm/uml/driver.js';
import { machineWith, makeDisks } from '../support/guest-disks.js';
import { type Behaviour, vmmContract } from '../vmm/contract.js';

// The contract of VMM drivers with real kernels; test/vmm/fake-contract.test.ts is the same without.

let base: DirectBase;
beforeAll(async () => {
  base = await loadDirectBase('micro');
});

const consoleOf = { qemu: '/dev/ttyS1', uml: '/dev/console' };

const scripts: Record<Behaviour, (console: string) => string> = {
  succeeds: () => 'true',
  fails: () => 'exit 3',
  panics: () => 'echo c >/proc/sysrq-trigger; sleep 1000',
  hangs: () => 'while :; do :; done',
  'floods-console': (console) => `yes "flood flood flood" | head -c 400000 >${console}`,
  'floods-events': () =>
    'head -c 300000 /dev/zero >/dev/ttyS0; yes @gva1 | head -c 100000 >/dev/ttyS0; echo >/dev/ttyS0',
  'writes-disks': () => 'echo "written by the guest" | tee /output/x /app/x /etc/x >/dev/null',
};

/** The driver as it is where an environment variable says otherwise, while it is asked. */
function whereProgramIsMissing(driver: VmmDriver, variable: string): VmmDriver {
  const probe = async () => {
    const before = process.env[variable];
    process.env[variable] = '/nowhere';
    try {
      return await driver.probe();
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, variable);
      else process.env[variable] = before;
    }
  };
  return { name: driver.name, capabilities: driver.capabilities, probe, start: (spec) => driver.start(spec) };
}

const drivers: [keyof typeof consoleOf, () => VmmDriver, () => VmmDriver][] = [
  [
    'qemu',
    () => new QemuDriver({ probeKernel: join(base.folder, base.files.kernel.name) }),
    () => whereProgramIsMissing(new QemuDriver({ probeKernel: '/nowhere' }), 'PATH'),
  ],
  [
    'uml',
    () => new UmlDriver({ modulesRelease: base.umlRelease }),
    () => whereProgramIsMissing(new UmlDriver({ modulesRelease: 'none' }), 'GVA_UML_KERNEL'),
  ],
];

describe.each(drivers)('the driver %s', (name, driver, missing) => {
  vmmContract({
    async guest(behaviour, folder, scratch) {
      const app = {
        '.gva/gvad.conf': 'media=output\nwait=5\n',
        'script-bin/run': scripts[behaviour](consoleOf[name]),
      };
      const disks = await makeDisks(folder, { app, output: true });
      return { driver: driver(), spec: machineWith(base, folder, scratch, disks) };
    },
    missing,
  });
});
