import { describe, expect, it } from 'vitest';
import { parseRecipe } from '../../../src/base/recipe/parse.js';
import { GvaError } from '../../../src/system/errors.js';

const parse = (text: string) => parseRecipe(text, 'base.yaml');

function mistakes(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof GvaError && error.code === 'RECIPE_INVALID') return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('parseRecipe', () => {
  it('reads every kind of step', () => {
    const recipe = parse(`name: all
version: 1.5
description: everything
from: debian:trixie
profile: systemd
memory: 2G
free: 100M
steps:
  - packages: [python3, bc, bc]
  - copy: { from: files/x, to: /opt/ }
  - run: make install
    timeout: 15m
    network: false
  - run: make download
    network: true
  - user: worker
  - user: { name: other, uid: 1001 }
  - env: { A: 1, B: "two words" }
`);
    expect(recipe).toEqual({
      ...{ name: 'all', version: '1.5', description: 'everything' },
      from: { kind: 'debian', suite: 'trixie', profile: 'systemd' },
      ...{ memory: 2 ** 31, free: 100 << 20 },
      steps: [
        { kind: 'packages', names: ['bc', 'python3'] },
        { kind: 'copy', from: 'files/x', to: '/opt/' },
        { kind: 'run', command: 'make install', timeout: 900 },
        { kind: 'run', command: 'make download', network: true },
        { kind: 'user', name: 'worker' },
        { kind: 'user', name: 'other', uid: 1001 },
        { kind: 'env', variables: { A: '1', B: 'two words' } },
      ],
    });
  });

  it.each([
    ['debian', { kind: 'debian', suite: 'bookworm', profile: 'quick' }],
    ['debian:trixie', { kind: 'debian', suite: 'trixie', profile: 'quick' }],
    ['micro', { kind: 'base', name: 'micro' }],
    ['oci:images/lab', { kind: 'oci', folder: 'images/lab' }],
    ['oci:/srv/lab:v1', { kind: 'oci', folder: '/srv/lab', tag: 'v1' }],
  ])('takes %s to begin with', (from, expected) => {
    expect(parse(`name: x\nfrom: "${from}"\n`).from).toEqual(expected);
  });

  it('says all that is wrong at once, with its place', () => {
    expect(
      mistakes(`name: "two words"
from: debian
stepps: []
steps:
  - packages: [Python]
  - run: make
    packages: [gcc]
  - copy: { from: ../secret, to: relative }
  - network: true
  - env: { GVA_X: 1 }
`),
    ).toEqual([
      'base.yaml:1:7: name: must be up to 64 letters, digits, ".", "_" and "-"',
      'base.yaml:3:1: unknown entry "stepps"; did you mean steps?',
      'base.yaml:5:16: steps.0.packages.0: must be the name of a Debian package, such as python3-numpy',
      'base.yaml:6:5: steps.1: must be one of packages, copy, run, user and env, and no more than one',
      'base.yaml:8:19: steps.2.copy.from: must be a path below the folder of the recipe, without ".."',
      'base.yaml:8:34: steps.2.copy.to: must be an absolute path, without ".."',
      'base.yaml:9:5: steps.3: must be one of packages, copy, run, user and env, and no more than one',
      'base.yaml:9:5: steps.3: network and timeout belong to run',
      'base.yaml:10:5: steps.4: "GVA_X" cannot be set: names are letters, digits and "_", and none begins with GVA_',
    ]);
  });

  it.each([
    ['from: debian:etch', /from: there is no suite "etch" here; one of bookworm, trixie/],
    ['from: "oci:"', /from: must be the name of a base, debian:SUITE, or oci:DIR/],
    ['from: "a b"', /from: must be the name of a base, debian:SUITE, or oci:DIR/],
    ['from: micro\nprofile: quick', /profile: only a system of Debian/],
    ['{}', /from is missing/],
  ])('refuses %s', (text, expected) => {
    expect(mistakes(`name: x\n${text}\n`.replace('name: x\n{}', '{ name: x }')).join('\n')).toMatch(expected);
  });
});
