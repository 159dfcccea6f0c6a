import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gva, readResult, temporaryFolder } from '../support/gva.js';
import { startRunning } from '../support/running.js';

// Commands by the QEMU guest agent (docs/channels.md, "The QEMU guest agent"): this machine's, in a guest without a Debian.

const agent = ['/usr/sbin/qemu-ga', '/usr/bin/qemu-ga'].find((path) => existsSync(path));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await temporaryFolder();
  env = { XDG_CACHE_HOME: join(folder.path, 'cache') };
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Puts the agent with its libraries below the application of an appliance. */
async function bringAgent(app: string): Promise<void> {
  await mkdir(join(app, 'lib'), { recursive: true });
  await copyFile(agent ?? '', join(app, 'qemu-ga'));
  const libraries = execFileSync('ldd', [agent ?? ''], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const library of libraries) await copyFile(library, join(app, 'lib', basename(library)));
}

const job = `
modprobe virtio_console
for port in /sys/class/virtio-ports/*; do
  read -r name <$port/name && [ "$name" = org.qemu.guest_agent.0 ] && break
done
mkdir -p /var/run
/app/lib/ld-linux-x86-64.so.2 --library-path /app/lib /app/qemu-ga -m virtio-serial -p /dev/\${port##*/} -t /run -f /run/qemu-ga.pid >/output/agent 2>&1 &
until [ -e /output/go ]; do sleep 0.1; done
kill $!; cat /output/agent; :`;

describe.runIf(agent)('with qemu-guest-agent, where this machine has it', () => {
  it('the same commands work as by a channel of GVA', async () => {
    const home = join(folder.path, 'guest');
    await bringAgent(join(home, 'app'));
    const { name, out, ended } = await startRunning(home, { job }, [], env, ['--qemu-agent']);
    const said = await gva(['exec', name, '--', 'sh', '-c', 'pwd; echo err >&2; exit 7'], env);
    expect(said).toEqual({ code: 7, stdout: '/output\n', stderr: 'err\n' });

    const bytes = randomBytes(300_000);
    const [sent, back] = [join(home, 'sent'), join(home, 'back')];
    await writeFile(sent, bytes);
    expect(await gva(['put', name, sent, '/output/got'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(await gva(['get', name, '/output/got', back], env)).toMatchObject({ code: 0, stderr: '' });
    expect((await readFile(back)).equals(bytes)).toBe(true);

    expect(JSON.parse((await gva(['stat', name, '--json'], env)).stdout)).toMatchObject({
      disks: expect.arrayContaining([expect.objectContaining({ folder: '/output' })]) as unknown,
    });
    expect(await gva(['exec', name, '--', 'date', '-s', '2001-01-01'], env)).toMatchObject({ code: 0 });
    expect(await gva(['time-sync', name], env)).toMatchObject({ code: 0, stderr: '' });
    const clock = Number((await gva(['exec', name, '--', 'date', '+%s'], env)).stdout);
    expect(Math.abs(clock - Date.now() / 1000)).toBeLessThan(3600);

    expect(await gva(['snapshot-output', name, join(home, 'snapshot')], env)).toMatchObject({ code: 69 });
    // The script ends the agent, which may not have told then how the command has ended.
    await gva(['exec', name, '--', 'touch', '/output/go'], env);
    expect(await ended).toEqual([0, null]);
    expect((await readFile(join(out, 'output/got'))).equals(bytes)).toBe(true);
    expect(await readResult(out)).toMatchObject({ state: 'done', start: 'cold', vmm: { name: 'qemu' } });
  });
});

it('User-mode Linux has no port for it', async () => {
  const home = join(folder.path, 'none');
  await mkdir(join(home, 'app'), { recursive: true });
  await writeFile(join(home, 'gva.yaml'), 'name: none\nrun: "true"\n');
  const words = ['run', home, '--vmm', 'uml', '--qemu-agent', '--out', join(home, 'out')];
  expect(await gva(words, env)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no port for the QEMU guest agent') as string,
  });
});
