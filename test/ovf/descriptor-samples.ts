import type { DescriptorDisk, DescriptorSpec } from '../../src/ovf/descriptor-spec.js';

export const MiB = 2 ** 20;

/** A file and the disk that it holds. */
const fileOf = (role: DescriptorDisk['role'], size: number) => ({
  id: `file-${role}`,
  href: `square-${role}.vmdk`,
  size,
});

const diskOf = (role: DescriptorDisk['role'], capacity: number): DescriptorDisk => ({
  id: `disk-${role}`,
  fileRef: `file-${role}`,
  capacity,
  role,
});

export const minimal: DescriptorSpec = {
  appliance: {
    name: 'square',
    version: '1.0.0',
    hardware: { cpus: 1, memory: 256 * MiB },
    parameters: [],
  },
  digest: 'd'.repeat(64),
  contract: 1,
  base: { name: 'micro', digest: 'b'.repeat(64) },
  operatingSystem: { id: 101 },
  files: [fileOf('base', 1), fileOf('app', 2), fileOf('output', 3)],
  disks: [diskOf('base', 64 * MiB), diskOf('app', 20 * MiB), diskOf('output', 64 * MiB)],
};

export const full: DescriptorSpec = {
  ...minimal,
  appliance: {
    ...minimal.appliance,
    description: 'Computes squares.\n\n\tMany of them.',
    vendor: 'Squares & Sons',
    url: 'https://example.org/square?a=1&b=2',
    warm: 'after-before',
    eula: 'Do what you like.\nBut <read> this.\n',
    hardware: { cpus: 2, memory: 512 * MiB },
    deploymentOptions: [
      { id: 'small', label: 'Small', cpus: 1, memory: 256 * MiB },
      { id: 'large', label: 'Large', description: 'For big squares', cpus: 16, memory: 8192 * MiB },
    ],
    parameters: [
      { name: 'n', type: 'int', default: 7, label: 'side', min: 0, max: 9007199254740991 },
      { name: 'scale', type: 'float', default: 0.1, min: 0.001 },
      { name: 'prime', type: 'int', values: [2, 3, 5] },
      { name: 'mode', type: 'string', default: 'a"b', values: ['a"b', 'c,}d', 'e\\f', 'g\nh'] },
      { name: 'note', type: 'string', default: '' },
      { name: 'loud', type: 'bool', default: false, values: [false] },
    ],
  },
  operatingSystem: { id: 96, version: '12', description: 'Debian GNU/Linux 12' },
  files: [
    fileOf('base', 41_000_000),
    fileOf('app', 70_000),
    fileOf('data', 5_000_000_000),
    fileOf('output', 9),
  ],
  disks: [
    { ...diskOf('base', 64 * MiB), populatedSize: 40 * MiB },
    { ...diskOf('app', 20 * MiB), populatedSize: 123 },
    { ...diskOf('data', 2 ** 40), populatedSize: 2 ** 34 },
    { ...diskOf('output', 64 * MiB), populatedSize: 0 },
  ],
};

/** Without the base. */
export const thin: DescriptorSpec = {
  ...minimal,
  files: minimal.files.slice(1),
  disks: minimal.disks.slice(1),
};

/** The output disk has no file. */
export const blankOutput: DescriptorSpec = {
  ...minimal,
  files: minimal.files.slice(0, 2),
  disks: [...minimal.disks.slice(0, 2), { id: 'disk-output', capacity: 64 * MiB, role: 'output' }],
};

/** Application, data and output on one disk. */
export const combined: DescriptorSpec = {
  ...minimal,
  files: minimal.files.slice(0, 2),
  disks: minimal.disks.slice(0, 2),
};
