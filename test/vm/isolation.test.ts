import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  eventually,
  gva,
  gvaProgram,
  processesWith,
  temporaryFolder,
  writeAppliance,
} from '../support/gva.js';

describe('a guest', () => {
  it('of User-mode Linux cannot read files of the host through hostfs', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'secret'), 'the secret of the host\n');
    const tries = ['/', '/etc', '../..', '../../..', folder.path, ''].map(
      (path) =>
        `mount -t hostfs none /tmp/h ${path && `-o ${path}`} && cat /tmp/h/secret /tmp/h/passwd /tmp/h/etc/passwd; umount /tmp/h`,
    );
    const job = ['mkdir /tmp/h', ...tries, 'ln -s /etc /tmp/link', 'true'].join('\n');
    const appliance = await writeAppliance(join(folder.path, 'a'), { job });
    const out = join(folder.path, 'out');
    expect((await gva(['run', appliance, '--vmm', 'uml', '--out', out])).code).toBe(0);
    const said = await readFile(join(out, 'output/.gva/50-autorun.stdout'), 'utf8');
    expect(said).toBe('');
  });

  it.each(['qemu', 'uml'])('has no network under %s', async (vmm) => {
    await using folder = await temporaryFolder();
    const appliance = await writeAppliance(join(folder.path, 'a'), {
      job: 'ls /sys/class/net; cat /proc/net/route | wc -l',
    });
    const out = join(folder.path, 'out');
    expect((await gva(['run', appliance, '--vmm', vmm, '--out', out])).code).toBe(0);
    expect(await readFile(join(out, 'output/.gva/50-autorun.stdout'), 'utf8')).toMatch(/^(lo\n)?[01]\n$/);
  });
});

describe.each(['qemu', 'uml'])('the process of %s', (vmm) => {
  it('is limited in the files that it may write, dumps no core, and is alone in its session', async () => {
    await using folder = await temporaryFolder();
    const appliance = await writeAppliance(join(folder.path, 'a'), { job: 'while :; do :; done' });
    const args = [
      gvaProgram,
      'run',
      appliance,
      '--vmm',
      vmm,
      '--out',
      join(folder.path, 'out'),
      '--timeout',
      '1000',
    ];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, GVA_SCRATCH: folder.path },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await eventually(() => {
        expect(child.exitCode, said).toBeNull();
        return said.includes('50-autorun started');
      });
      const [pid] = await leaders(join(folder.path, 'gva-'));
      const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
      expect(limits).toMatch(/^Max core file size +0 /m);
      expect(limits).toMatch(/^Max cpu time +2060 /m);
      const fileSize = Number(/^Max file size +(\d+)/m.exec(limits)?.[1]);
      expect(fileSize).toBeLessThan(2 ** 31);
      if (vmm === 'qemu') {
        expect(limits).toMatch(/^Max address space +\d+ /m);
        // Bubblewrap leads the session where there is one, and has QEMU's command line in its own.
        const pids = await processesWith(join(folder.path, 'gva-'));
        const statuses = await Promise.all(pids.map((each) => readFile(`/proc/${each}/status`, 'utf8')));
        const filters = (ofQemu: boolean) =>
          statuses
            .filter((status) => /^Name:\tqemu-system/m.test(status) === ofQemu)
            .map((status) => Number(/^Seccomp_filters:\t(\d+)$/m.exec(status)?.[1] ?? 0));
        // It has its own beside the one that is bubblewrap's.
        expect(filters(true)).toHaveLength(1);
        expect(filters(true)[0]).toBeGreaterThan(Math.max(0, ...filters(false)));
      }
    } finally {
      child.kill('SIGKILL');
    }
  });
});

/** Those of the processes with the text in their command lines that lead their session. */
async function leaders(text: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await processesWith(text)) {
    // Under User-mode Linux the guest's processes are among them, and come and go.
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
    if (stat === undefined) continue;
    // After the command, in parentheses: state, parent, group, session (proc(5)).
    const [, , group, session] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    if (group === pid && session === pid) found.push(pid);
  }
  return found;
}
