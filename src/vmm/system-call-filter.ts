import { arch } from 'node:os';

/**
 * What no monitor needs of the kernel, and what holes in kernels have been opened by: modules, mounts, namespaces, keys,
 * tracing of the kernel, io_uring (QEMU asks for it, and takes epoll then), clocks. By number on x86-64 (Linux,
 * arch/x86/entry/syscalls/syscall_64.tbl). What User-mode Linux needs, as ptrace, modify_ldt and personality, is not
 * among them.
 */
export const refusedCalls: Readonly<Record<string, number>> = {
  ...{ syslog: 103, uselib: 134, ustat: 136, sysfs: 139, vhangup: 153, pivot_root: 155, _sysctl: 156 },
  ...{ adjtimex: 159, chroot: 161, acct: 163, settimeofday: 164, mount: 165, umount2: 166, swapon: 167 },
  ...{ swapoff: 168, reboot: 169, sethostname: 170, setdomainname: 171, iopl: 172, ioperm: 173 },
  ...{ create_module: 174, init_module: 175, delete_module: 176, get_kernel_syms: 177, query_module: 178 },
  ...{ quotactl: 179, nfsservctl: 180, lookup_dcookie: 212, clock_settime: 227, kexec_load: 246 },
  ...{ add_key: 248, request_key: 249, keyctl: 250, migrate_pages: 256, unshare: 272, move_pages: 279 },
  ...{ perf_event_open: 298, fanotify_init: 300, name_to_handle_at: 303, open_by_handle_at: 304 },
  ...{ clock_adjtime: 305, setns: 308, kcmp: 312, finit_module: 313, kexec_file_load: 320, bpf: 321 },
  ...{ userfaultfd: 323, io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, open_tree: 428 },
  ...{ move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433, pidfd_getfd: 438 },
  ...{ mount_setattr: 442, quotactl_fd: 443 },
};

/** The first that Linux 6.5 brought: monitors do without, as on an older kernel, and holes in new ones are found last. */
const firstUnknown = 451;

const call = { ioctl: 16, socket: 41, clone: 56, clone3: 435 } as const;

/** clone(2): CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const newNamespaces = 0x7e020000;

/** socket(2): AF_UNIX, AF_INET, AF_INET6. */
const families = [1, 2, 10] as const;

/** ioctl_tty(2): TIOCSTI and TIOCLINUX type for whoever sits at a terminal. */
const typing = [0x5412, 0x541c] as const;

/** asm-generic/errno.h */
const errno = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

/** linux/seccomp.h */
const action = {
  allow: 0x7fff0000,
  killProcess: 0x80000000,
  error: (name: keyof typeof errno) => 0x00050000 | errno[name],
} as const;

/** Offsets in `struct seccomp_data`: the lower half of its first argument, and of its second one. */
const data = { number: 0, architecture: 4, first: 16, second: 24 } as const;

/** linux/audit.h: AUDIT_ARCH_X86_64. */
const x86_64 = 0xc000003e;
/** asm/unistd.h: __X32_SYSCALL_BIT. */
const x32 = 0x40000000;

/** linux/bpf_common.h: BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_JGE, BPF_JSET, BPF_RET|BPF_K. */
const code = { load: 0x20, equal: 0x15, atLeast: 0x35, anyOf: 0x45, end: 0x06 } as const;

/**
 * `struct sock_filter` of linux/filter.h, 8 bytes.
 *
 * @param held how many instructions are left out after it where its comparison holds; `not`: where it does not
 */
function instruction(operation: keyof typeof code, value: number, { held = 0, not = 0 } = {}): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code[operation], 0);
  bytes.writeUInt8(held, 2);
  bytes.writeUInt8(not, 3);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}

const load = (offset: number) => instruction('load', offset);
const end = (value: number) => instruction('end', value);

/** These instructions, where what was loaded compares so. */
const where = (comparison: 'equal' | 'atLeast' | 'anyOf', value: number, then: readonly Buffer[]) => [
  instruction(comparison, value, { not: then.length }),
  ...then,
];
const whereNot = (comparison: 'equal', value: number, then: readonly Buffer[]) => [
  instruction(comparison, value, { held: then.length }),
  ...then,
];

/**
 * A filter of system calls (seccomp(2), SECCOMP_MODE_FILTER) for monitors of which the guest may have taken possession, as
 * bubblewrap's `--seccomp` takes it; undefined for processors that it has no numbers for.
 */
export function systemCallFilter(processor: string = arch()): Buffer | undefined {
  if (processor !== 'x64') return undefined;
  const refuse = (name: keyof typeof errno) => [end(action.error(name))];
  return Buffer.concat([
    load(data.architecture),
    // 32-bit programs have other numbers; there are none here.
    ...whereNot('equal', x86_64, [end(action.killProcess)]),
    load(data.number),
    ...where('atLeast', x32, refuse('ENOSYS')),
    ...where('atLeast', firstUnknown, refuse('ENOSYS')),
    ...Object.values(refusedCalls).flatMap((number) => where('equal', number, refuse('EPERM'))),
    // Its flags are where no filter can look: programs take clone(2) instead.
    ...where('equal', call.clone3, refuse('ENOSYS')),
    ...where('equal', call.clone, [
      load(data.first),
      ...where('anyOf', newNamespaces, refuse('EPERM')),
      end(action.allow),
    ]),
    ...where('equal', call.socket, [
      load(data.first),
      ...families.flatMap((family) => where('equal', family, [end(action.allow)])),
      ...refuse('EAFNOSUPPORT'),
    ]),
    ...where('equal', call.ioctl, [
      load(data.second),
      ...typing.flatMap((request) => where('equal', request, refuse('EPERM'))),
    ]),
    end(action.allow),
  ]);
}
