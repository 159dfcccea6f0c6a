import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'vitest';
import type { VmmDriver } from '../../src/vmm/driver.js';
import { FakeDriver, guestScript } from '../../src/vmm/fake/driver.js';
import { type Behaviour, vmmContract } from './contract.js';

const start = guestScript(['boot t=0', 'ready t=0', 'script-start t=0 name=run']);
const end = guestScript(['script-end t=1 name=run status=0', 'done t=1 scripts=1 failed=0']);

// The output disk is there, or the guest does not start: a VMM would refuse it, too.
const check = '[ -e "$GVA_FAKE_OUTPUT" ] || { echo "no output disk" >&2; exit 1; }\n';

const scripts: Record<Behaviour, string> = {
  succeeds: start + end,
  fails: start + guestScript(['script-end t=1 name=run status=3', 'done t=1 scripts=1 failed=1']),
  panics: `${start}echo 'Kernel panic - not syncing: sysrq' >&5; exit 1\n`,
  hangs: `${start}sleep 1000 & wait\n`,
  'floods-console': `${start}yes 'flood flood flood' | head -c 400000 >&5\n${end}`,
  'floods-events': `${start}head -c 300000 /dev/zero >&4; yes @gva1 | head -c 100000 >&4; echo >&4\n${end}`,
  'writes-disks': `${start}echo 'written by the guest' >"$GVA_FAKE_OUTPUT"\n${end}`,
};

/** A fake is always there; this one plays a VMM that is not. */
class MissingDriver extends FakeDriver {
  override probe = () =>
    Promise.resolve({ available: false as const, reason: 'fake is not installed', hint: 'Install it.' });
}

describe('the driver fake', () => {
  vmmContract({
    async guest(behaviour, folder, scratch) {
      await writeFile(join(folder, 'output.img'), '');
      const driver: VmmDriver = new FakeDriver({ script: `: ${folder}\n${check}${scripts[behaviour]}` });
      const output = {
        id: 'output',
        image: join(folder, 'output.img'),
        size: 0,
        access: 'read-write',
      } as const;
      return {
        driver,
        spec: {
          ...{ id: 'contract', cpus: 1, memory: 1 << 20, disks: [output] },
          boot: { kind: 'direct', kernel: '', initrd: '' },
          folders: { uml: scratch, hostfs: scratch },
        },
      };
    },
    missing: () => new MissingDriver(),
  });
});
