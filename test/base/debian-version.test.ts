import { expect, it } from 'vitest';
import { compareDebianVersions, isDebianVersion, versionSatisfies } from '../../src/base/debian-version.js';

it.each([
  // Debian Policy 5.6.12: "~~, ~~a, ~, the empty part, a" from the earliest to the latest.
  ['~~', '~~a', '~', '', 'a'],
  ['1.0~beta1~svn1245', '1.0~beta1', '1.0'],
  ['1.2.3', '1.2.10', '1.10'],
  ['1.0', '1.0-1', '1.0-1+b1', '1.0-2'],
  ['9.9', '1:0.1', '2:0'],
  ['1.0a', '1.0+a', '1.0.1'],
  ['3.9.2-3', '3.11.2-1+b1', '3.13.5-1'],
])('versions stand in this order: %s ...', (...versions) => {
  for (const [index, one] of versions.entries())
    for (const [place, other] of versions.entries())
      expect(Math.sign(compareDebianVersions(one, other)), `${one} ${other}`).toBe(Math.sign(index - place));
});

it('leading zeros, an epoch of 0 and a revision of 0 say nothing', () => {
  for (const [one, other] of [
    ['1.01', '1.1'],
    ['0:1.0', '1.0'],
    ['1.0-0', '1.0'],
  ] as const)
    expect(compareDebianVersions(one, other)).toBe(0);
});

it('relations are those of the policy', () => {
  const holding = (version: string) =>
    (['<<', '<=', '=', '>=', '>>'] as const).filter((each) => versionSatisfies(version, each, '2.0-1'));
  expect(['1.9', '2.0-1', '2.0-2'].map(holding)).toEqual([
    ['<<', '<='],
    ['<=', '=', '>='],
    ['>=', '>>'],
  ]);
});

it('what is no version is told from one', () => {
  expect(['1.0', '1:2.3~rc1-4+b1', '20240203'].every(isDebianVersion)).toBe(true);
  expect(['', 'new', '1.0-', '1 0', '1.0_1', 'a:1'].some(isDebianVersion)).toBe(false);
});
