import { expect, it } from 'vitest';
import { type HostView, confinedCommand, confinementArguments } from '../../src/vmm/bubblewrap.js';

const host: HostView = {
  program: '/opt/q/bin/qemu',
  programFiles: ['/opt/q/bin/qemu', '/opt/q/lib'],
  folders: ['/usr', '/bin', '/etc/ld.so.cache'],
  links: [{ path: '/lib', target: 'usr/lib' }],
  options: ['--unshare-user'],
};

/** An option and its values as one string each. */
const options = (args: readonly string[]) => args.join(' ').split(/ (?=--)/);

it('the options of bubblewrap: all of them', () => {
  const reach = {
    readable: ['/s/a/params.iso', '/cache/root.img'],
    writable: ['/s/a', '/s/a/output.img'],
    ...{ devices: ['/dev/kvm'], memory: true },
  };
  expect(options(confinementArguments(host, reach))).toEqual([
    '--unshare-pid',
    '--unshare-net',
    '--unshare-ipc',
    '--unshare-uts',
    '--die-with-parent',
    '--cap-drop ALL',
    '--unshare-user',
    '--ro-bind-try /usr /usr',
    '--ro-bind-try /bin /bin',
    '--ro-bind-try /etc/ld.so.cache /etc/ld.so.cache',
    '--symlink usr/lib /lib',
    '--ro-bind-try /proc/cpuinfo /proc/cpuinfo',
    '--dev /dev',
    '--tmpfs /dev/shm',
    '--dev-bind-try /dev/kvm /dev/kvm',
    '--ro-bind-try /cache/root.img /cache/root.img',
    '--ro-bind-try /opt/q/bin/qemu /opt/q/bin/qemu',
    '--ro-bind-try /opt/q/lib /opt/q/lib',
    '--bind-try /s/a /s/a',
    '--bind-try /s/a/output.img /s/a/output.img',
    '--ro-bind-try /s/a/params.iso /s/a/params.iso',
    '--remount-ro /dev',
    '--remount-ro /',
  ]);
});

it('what is both readable and writable is writable, and neither device nor memory come unasked', () => {
  const same = { readable: ['/x', '/x/y'], writable: ['/x/y'] };
  const args = options(confinementArguments({ ...host, programFiles: [] }, same));
  expect(args.filter((option) => option.includes('/x'))).toEqual([
    '--ro-bind-try /x /x',
    '--bind-try /x/y /x/y',
  ]);
  expect(args.join(' ')).not.toMatch(/kvm|shm/);
});

it('relative names lead to the same files inside', () => {
  const args = options(confinementArguments(host, { readable: ['a/b'], writable: [] }));
  const here = process.cwd();
  expect(args).toContain(`--ro-bind-try ${here}/a/b ${here}/a/b`);
  expect(args.slice(-4, -2)).toEqual([`--dir ${here}`, `--chdir ${here}`]);
});

it('a command keeps all else, and tells of itself behind its sockets and files', () => {
  const files = [{ path: '/t/state', flags: 'r' }];
  const command = {
    ...{ program: 'q', args: ['-m', '1'], env: { A: 'b' } },
    ...{ sockets: 2, files, limits: { cpuTime: 3 } },
  };
  const filter = Buffer.from('of system calls');
  const how = { bwrap: '/usr/bin/bwrap', host, filter };
  const inside = confinedCommand(command, { readable: [], writable: [] }, how);
  expect(inside).toMatchObject({
    ...{ env: { A: 'b' }, sockets: 2, files },
    ...{ limits: { cpuTime: 3 }, confined: { filter } },
  });
  expect(inside.program).toBe('/usr/bin/bwrap');
  expect(inside.args.slice(0, 4)).toEqual(['--info-fd', '9', '--seccomp', '10']);
  expect(inside.args.slice(-5)).toEqual(['/', '--', '/opt/q/bin/qemu', '-m', '1']);

  const without = confinedCommand(command, { readable: [], writable: [] }, { ...how, filter: undefined });
  expect(without.args).not.toContain('--seccomp');
});
