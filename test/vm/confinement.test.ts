import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createScratch } from '../../src/instance/scratch.js';
import { scratchFiles } from '../../src/system/paths.js';
import { confinementArguments } from '../../src/vmm/bubblewrap.js';
import { findConfinement } from '../../src/vmm/confinement-probe.js';
import type { Disk, MachineSpec, VirtualMachine, VmmDriver } from '../../src/vmm/driver.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { refusedCalls } from '../../src/vmm/system-call-filter.js';
import { UmlDriver } from '../../src/vmm/uml/driver.js';
import { processesWith, temporaryFolder } from '../support/gva.js';
import { requireTool } from '../support/tools.js';

// A guest has broken out and rules its VMM: a script that tries everything, in the place of the VMM's program,
// started as any VMM is. Outside bubblewrap the same script shows that its tries would succeed.

const bash = await findConfinement({ program: '/bin/bash' }, true);
if (!bash.works && bash.reason.endsWith('not installed')) requireTool('bwrap');
const filtered = bash.works && bash.filter;
const why = bash.works ? '' : ` (${bash.reason})`;

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let scratch: Awaited<ReturnType<typeof createScratch>>;
let other: Awaited<ReturnType<typeof createScratch>>;
let server: ReturnType<typeof createServer>;
beforeEach(async () => {
  home = await temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', join(home.path, 'cache'));
  vi.stubEnv('GVA_SCRATCH', home.path);
  vi.stubEnv('GVA_TEST_SECRET', 'of the environment');
  vi.stubEnv('GVA_SANDBOX', 'required');
  [scratch, other] = [await createScratch(), await createScratch()];
  for (const file of [own('output.img'), own('params.iso'), at('image'), at('secret'), at('kernel')])
    await writeFile(file, 'as it was');
  await writeFile(join(other.folder, 'output.img'), 'of another instance');
  server = createServer((socket) => socket.end('reached'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.close();
  for (const each of [scratch, other, home]) await each[Symbol.asyncDispose]();
});

const at = (name: string) => join(home.path, name);
const own = (name: string) => join(scratch.folder, name);

const vmms = ['qemu', 'uml'] as const;
type Vmm = (typeof vmms)[number];

/** The driver, with a script as its program. */
async function driverOf(vmm: Vmm, script: string): Promise<VmmDriver> {
  const program = at(vmm === 'qemu' ? 'own/bin/qemu-system-x86_64' : 'own/bin/linux');
  await mkdir(dirname(program), { recursive: true });
  // A trial of KVM has no disks.
  const version =
    '[ "$1" = --version ] && { echo version 9.0.0; exit; }\ncase $* in *output.img*) ;; *) exit 1 ;; esac';
  await writeFile(program, `#!/bin/bash\n${version}\n${script}\n`);
  await chmod(program, 0o755);
  if (vmm === 'qemu') return new QemuDriver({ probeKernel: at('kernel'), folder: at('own') });
  vi.stubEnv('GVA_UML_KERNEL', program);
  return new UmlDriver({ modulesRelease: '9.0.0' });
}

function machine(): MachineSpec {
  const size = 1 << 20;
  const disks: Disk[] = [
    { id: 'root', image: at('image'), size, access: 'overlay', overlay: own('root.overlay') },
    { id: 'output', image: own('output.img'), size, access: 'read-write' },
    { id: 'cdrom', image: own('params.iso'), size, access: 'read-only' },
  ];
  return {
    ...{ id: 'x', cpus: 1, memory: 64 << 20, disks },
    boot: { kind: 'direct', kernel: at('kernel'), initrd: at('kernel') },
    folders: { uml: own(scratchFiles.uml), hostfs: own(scratchFiles.hostfs) },
  };
}

/** Names of those of the tries, shell commands, that succeed in the place of the VMM. */
async function successes(vmm: Vmm, tries: Readonly<Record<string, string>>): Promise<string[]> {
  const lines = Object.entries(tries).map(
    ([name, command]) => `if ( ${command} ) >/dev/null 2>&1; then echo '${name}' >&4; fi`,
  );
  await using running = await (await driverOf(vmm, lines.join('\n'))).start(machine());
  const found: string[] = [];
  for await (const line of running.lines) found.push(line);
  expect(await running.exited).toMatchObject({ stderr: '' });
  return found;
}

describe.skipIf(!bash.works).each(vmms)(`a %s that a guest rules${why}`, (vmm) => {
  const harmful = () => ({
    'reads a file of the user': `cat ${at('secret')}`,
    'reads another instance': `cat ${other.folder}/output.img`,
    'lists what instances there are': `ls ${home.path}/*/owner.json | grep -v ${scratch.folder}`,
    'reads the system': 'cat /etc/passwd',
    'writes an image that others read': `echo x >>${at('image')}`,
    'writes its parameters': `echo x >>${own('params.iso')}`,
    'writes beside its files': `echo x >${at('new')}`,
    'writes its own program': `echo x >>${at('own/bin/program')}`,
    'writes where nothing was': `mkdir ${home.path}-x && rmdir ${home.path}-x`,
    'says whose its folder is': `echo >>${own('owner.json')}`,
    'puts a link in the place of its disk': `ln -sfn ${at('secret')} ${own('new')} && mv ${own('new')} ${own('output.img')}`,
    'sees a process': `kill -0 ${process.pid}`,
    'has the environment of GVA': '[ -n "$GVA_TEST_SECRET" ]',
    'has a network': `read -r line </dev/tcp/127.0.0.1/${(server.address() as AddressInfo).port}; [ "$line" = reached ]`,
  });

  it('gets at nothing but its own files', async () => {
    expect(await successes(vmm, harmful())).toEqual([]);
    for (const name of ['image', 'secret']) expect(await readFile(at(name), 'utf8')).toBe('as it was');
  });

  it('would get at all of it otherwise', async () => {
    vi.stubEnv('GVA_SANDBOX', 'off');
    const tries = harmful();
    expect(await successes(vmm, tries)).toEqual(Object.keys(tries));
  });

  it('has what it needs', async () => {
    const needed = {
      'reads its parameters': `cat ${own('params.iso')}`,
      'reads its image': `cat ${at('image')}`,
      'writes its disk': `echo written >${own('output.img')}`,
      'writes its overlay': `echo written >>${own('root.overlay')}`,
      'knows the CPU': 'grep flags /proc/cpuinfo',
      'has devices': 'head -c 10 /dev/urandom >/dev/null',
      'starts programs': 'ls /bin/sh /usr/bin/env',
      ...(vmm === 'uml'
        ? {
            'keeps memory in files that can be run': 'cp /bin/true $TMPDIR/x && $TMPDIR/x',
            'makes sockets': `echo x >${own('uml/socket')}`,
          }
        : {}),
    };
    expect(await successes(vmm, needed)).toEqual(Object.keys(needed));
    expect(await readFile(own('output.img'), 'utf8')).toBe('written\n');
  });

  /** perl(1): syscall. Each is one that any process may ask for, of which no monitor has need. */
  const unneeded = {
    'asks for keys': `perl -e 'exit(syscall(${refusedCalls['keyctl']}, 0, -3, 1) < 0)'`,
    'makes namespaces': `perl -e 'exit(syscall(${refusedCalls['unshare']}, 0x10000000) < 0)'`,
    'speaks with the kernel by netlink': `perl -e 'socket(S, 16, 3, 0) or exit 1'`,
  };

  it.skipIf(!filtered)('asks the kernel for nothing that a monitor has no need of (x86-64)', async () => {
    expect(await successes(vmm, unneeded)).toEqual([]);
  });

  it.skipIf(!filtered)('would be given it otherwise (x86-64)', async () => {
    vi.stubEnv('GVA_SANDBOX', 'off');
    expect(await successes(vmm, unneeded)).toEqual(Object.keys(unneeded));
  });

  it('cannot become more than it is', async () => {
    const tries = {
      mounts: 'mount -t tmpfs none /usr',
      'gets a /proc': 'mount -t proc proc /proc',
      'gains rights': 'grep -q "^CapEff:.*[1-9a-f]" /proc/self/status',
      'makes devices': `mknod ${own('uml')}/disk b 1 1`,
    };
    expect(await successes(vmm, tries)).toEqual([]);
  });
});

describe.skipIf(!bash.works)(`the end of a confined machine${why}`, () => {
  /** Its children have left its group and session, and hold nothing open. */
  const daemon = 'exec 0<&- 1>&- 2>&- 3>&- 4>&- 5>&- 6>&-; exec sleep 2718.25';

  async function hide(vmm: Vmm, then: string): Promise<VirtualMachine> {
    const driver = await driverOf(vmm, `setsid bash -c '${daemon}' & echo up >&4; ${then}`);
    return driver.start(machine());
  }

  /** Bubblewrap's processes, the outer first. */
  async function bubblewraps(): Promise<number[]> {
    const found: number[] = [];
    for (const pid of await processesWith(scratch.folder))
      if ((await readlink(`/proc/${pid}/exe`)).endsWith('/bwrap')) found.push(pid);
    return found.sort((a, b) => a - b);
  }

  const killed = (index: number) => async () => {
    process.kill((await bubblewraps())[index]!, 'SIGKILL');
  };
  type End = (machine: VirtualMachine) => Promise<void>;
  const byItself: End = () => Promise.resolve();
  const killedByUs: End = (machine) => {
    machine.kill();
    return Promise.resolve();
  };
  const ends: [string, number, End, string][] = [
    ['its own, with its status and its words', 5, byItself, 'echo last words >&2; exit 5'],
    ['SIGABRT', 134, byItself, 'kill -ABRT $$'],
    ['kill()', 137, killedByUs, 'sleep 2718.25'],
    ['kill -9 of bubblewrap', 137, killed(0), 'sleep 2718.25'],
    ['kill -9 of its first process', 137, killed(1), 'sleep 2718.25'],
  ];

  it.each(ends)('by %s: nothing is left when it has ended', async (_, status, end, then) => {
    await using running = await hide('uml', then);
    for await (const line of running.lines) if (line === 'up') await end(running);
    const exit = await running.exited;
    expect(await processesWith('2718.25')).toEqual([]);
    expect(exit).toEqual({ status, stderr: then.includes('last words') ? 'last words\n' : '' });
  });
});

it.skipIf(!bash.works)(`the limits of a machine hold inside${why}`, async () => {
  const driver = await driverOf('qemu', 'ulimit -f >&4; ulimit -v >&4; ulimit -t >&4; ulimit -c >&4');
  await using running = await driver.start({ ...machine(), cpuTime: 7 });
  const lines: string[] = [];
  for await (const line of running.lines) lines.push(line);
  expect(lines.map(Number)).toEqual([expect.any(Number), expect.any(Number), 7, 0]);
});

it.skipIf(!bash.works)(`a machine is on the CPU it was put on${why}`, async () => {
  const [cpu = '0'] =
    /Cpus_allowed_list:\s*(\d+)/.exec(await readFile('/proc/self/status', 'utf8'))?.slice(1) ?? [];
  const driver = await driverOf('uml', 'taskset -c -p $$ >&4');
  await using running = await driver.start({ ...machine(), placement: { hostCpus: [Number(cpu)] } });
  for await (const line of running.lines) expect(line).toMatch(new RegExp(`: ${cpu}$`));
});

it.skipIf(!bash.works || process.getuid?.() !== 0)(
  `an ordinary user is confined, too (where root does not run the tests, all of them show it)${why}`,
  async () => {
    if (!bash.works) return;
    const options = ['--unshare-user', '--disable-userns'];
    const inside = [
      ...confinementArguments({ ...bash.host, options }, { readable: [], writable: [] }),
      ...[
        '--',
        'bash',
        '-c',
        `id -u; ls /; kill -0 ${process.pid} || echo alone; unshare -U true || echo stuck`,
      ],
    ];
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--no-new-privs'];
    const child = spawn(requireTool('setpriv'), [...user, bash.bwrap, ...inside], { cwd: '/' });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    expect(said.split('\n')).toEqual(expect.arrayContaining(['65534', 'usr', 'alone', 'stuck']));
    expect(said).not.toMatch(/^(home|root|tmp|var|sys)$/m);
  },
);
