import { expect, it } from 'vitest';
import { parseManifest } from '../../src/appliance/manifest.js';

const baseOf = (text: string) => parseManifest(`name: a\nrun: ./a\n${text}`, 'gva.yaml').base;

it('a base is a name, a name with digest, or requirements', () => {
  expect(baseOf('')).toBe('micro');
  expect(baseOf('base: numpy')).toBe('numpy');
  expect(baseOf('base: numpy@0123456789abcdef')).toBe('numpy@0123456789abcdef');
  expect(
    baseOf('base: { os: debian:12, arch: x86_64, packages: [r-base-core, python3 (>= 3.11), perl>=5.36-7] }'),
  ).toEqual({
    os: 'debian:12',
    arch: 'x86_64',
    packages: [
      { name: 'r-base-core' },
      { name: 'python3', relation: '>=', version: '3.11' },
      { name: 'perl', relation: '>=', version: '5.36-7' },
    ],
  });
});

it('all mistakes of requirements are told at once, with their places', () => {
  expect(() =>
    baseOf(
      'base:\n  os: linus\n  arch: amd64\n  packages:\n    - Python3\n    - python3 > 3\n    - perl>=\n  size: 3',
    ),
  ).toThrow(
    [
      'gva.yaml:4:7: base.os: there is no linus; did you mean linux?',
      'gva.yaml:5:9: base.arch: must be one of x86_64, aarch64; did you mean x86_64?',
      'gva.yaml:7:7: base.packages.0: "Python3" is no name of a Debian package',
      'gva.yaml:8:7: base.packages.1: ">" is no relation of versions; there are <<, <=, =, >=, >>',
      'gva.yaml:9:7: base.packages.2: the version after >= is missing',
      'gva.yaml:10:3: base: unknown entry "size"',
    ].join('\n'),
  );
  expect(() => baseOf('base: [micro]')).toThrow(/gva.yaml:3:7: base: must be the name of a base image/);
  expect(() => baseOf('base: ../micro')).toThrow(/must be the name of a base image/);
});
