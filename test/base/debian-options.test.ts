import { describe, expect, it } from 'vitest';
import { bootstrapArguments, packagesOf } from '../../src/base/debian/bootstrap.js';
import { debianOptions } from '../../src/base/debian/options.js';

describe('a Debian base', () => {
  it('is bookworm, quick and named after what it is, if nothing else is said', () => {
    expect(debianOptions('debian')).toEqual({
      ...{ suite: 'bookworm', profile: 'quick', packages: [], name: 'debian-bookworm' },
    });
    const request = { profile: 'systemd', packages: ['r-base-core', 'g++', 'g++'] };
    expect(debianOptions('debian:trixie', request)).toEqual({
      ...{ suite: 'trixie', profile: 'systemd', packages: ['g++', 'r-base-core'] },
      name: 'debian-trixie-systemd-g__-r-base-core',
    });
    expect(debianOptions('debian', { packages: ['python3'], name: 'py' }).name).toBe('py');
  });

  it.each([
    ['debian:sid', {}, 'SUITE_UNKNOWN', /suite of Debian "sid"/],
    ['debian:', {}, 'SUITE_UNKNOWN', /suite of Debian ""/],
    ['debian', { profile: 'fast' }, 'PROFILE_UNKNOWN', /profile "fast"/],
    ['debian', { packages: ['python3 numpy'] }, 'PACKAGE_NAME', /"python3 numpy"/],
    ['debian', { packages: [''] }, 'PACKAGE_NAME', /""/],
    ['debian', { packages: ['-o=Dir::Etc'] }, 'PACKAGE_NAME', /"-o=Dir::Etc"/],
    ['debian', { name: '../x' }, 'BASE_NAME', /"\.\.\/x"/],
    ['debian', { name: 'micro' }, 'BASE_NAME', /"micro"/],
    ['debian', { packages: ['a'.repeat(60)] }, 'BASE_NAME', /so many packages/],
  ])('refuses %s %j', (from, request, code, message) => {
    expect(() => debianOptions(from, request)).toThrow(expect.objectContaining({ code }));
    expect(() => debianOptions(from, request)).toThrow(message);
  });

  it('has what GVAD needs, what its profile needs, and no Perl that merges /usr', () => {
    expect(packagesOf(debianOptions('debian', { packages: ['python3', 'mount'] }))).toEqual([
      'mount',
      'e2fsprogs',
      'passwd',
      'usr-is-merged',
      'python3',
    ]);
    expect(packagesOf(debianOptions('debian:trixie', { profile: 'systemd' }))).toEqual([
      'mount',
      'e2fsprogs',
      'passwd',
      'systemd',
      'systemd-sysv',
    ]);
  });

  it('is made by this call of mmdebstrap', () => {
    const files = { settings: '/w x/apt.conf', archive: '/w x/root.tar', sources: ['/w x/gva.sources'] };
    expect(bootstrapArguments(debianOptions('debian', { packages: ['python3'] }), files)).toEqual([
      ...['--variant=essential', '--format=tar', '--include=mount,e2fsprogs,passwd,usr-is-merged,python3'],
      ...['man', 'info', 'lintian', 'locale', 'doc'].map(
        (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
      ),
      '--dpkgopt=path-include=/usr/share/locale/locale.alias',
      '--dpkgopt=path-include=/usr/share/doc/*/copyright',
      '--setup-hook=upload "/w x/apt.conf" /etc/apt/apt.conf.d/98gva',
      '--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr',
      ...['bookworm', '/w x/root.tar', '/w x/gva.sources'],
    ]);
  });
});
