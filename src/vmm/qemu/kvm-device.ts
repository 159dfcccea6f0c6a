import { constants } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { arch } from 'node:os';
import { errnoOf } from '../../system/errors.js';

export const kvmPath = '/dev/kvm';

/** Whether this process may use KVM at all. That it may does not mean that guests run: see kvm-probe.ts. */
export type KvmDevice =
  | { readonly usable: true }
  | {
      readonly usable: false;
      readonly state: 'missing' | 'refused';
      readonly reason: string;
      readonly hint: string;
    };

/** @param path of the device; another only in tests */
export async function kvmDevice(path = kvmPath): Promise<KvmDevice> {
  if (arch() !== 'x64')
    return {
      usable: false,
      ...{ state: 'missing', reason: `this host is ${arch()}, its guests would be x86-64` },
      hint: 'KVM runs guests of the own architecture only: use --vmm qemu, which emulates.',
    };
  // Only opening tells: a control group may refuse a device that its permissions allow.
  try {
    const handle = await open(path, constants.O_RDWR);
    await handle.close();
    return { usable: true };
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? await absent(path) : await denied(path, error);
  }
}

async function absent(path: string): Promise<KvmDevice> {
  const extension = virtualisationExtension(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''));
  const modules = { vmx: 'kvm_intel', svm: 'kvm_amd' };
  return {
    ...{ usable: false, state: 'missing', reason: `there is no ${path}` },
    hint: extension
      ? `sudo modprobe ${modules[extension]}`
      : 'The CPU shows no virtualisation: switch VT-x or AMD-V on in the firmware, or, where this is a virtual machine itself, nested virtualisation at its host.',
  };
}

/** The extension for virtual machines among the flags of /proc/cpuinfo; null where there is none. */
export function virtualisationExtension(cpuinfo: string): 'vmx' | 'svm' | null {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(' ') ?? [];
  if (flags.includes('vmx')) return 'vmx';
  return flags.includes('svm') ? 'svm' : null;
}

async function denied(path: string, error: unknown): Promise<KvmDevice> {
  const code = errnoOf(error) ?? 'error';
  const base = { usable: false, state: 'refused', reason: `${path} may not be opened (${code})` } as const;
  if (code !== 'EACCES')
    return { ...base, hint: 'The device is there, but this container or job may not use it: ask its owner.' };
  const info = await stat(path);
  const group = (info.mode & 0o060) === 0o060 && info.gid !== 0 ? await groupName(info.gid) : undefined;
  const join = `sudo usermod -aG ${group ?? 'kvm'} "$USER", then log in again`;
  return { ...base, hint: group ? join : `sudo chgrp kvm ${path} && sudo chmod g+rw ${path}; ${join}` };
}

async function groupName(gid: number): Promise<string> {
  const groups = await readFile('/etc/group', 'utf8').catch(() => '');
  const line = groups.split('\n').find((text) => text.split(':')[2] === String(gid));
  return line?.split(':')[0] ?? 'kvm';
}
