import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeAppliance } from '../support/fake-appliance.js';
import { type PlanFolder, makePlanFolder } from './plan-fixture.js';

let home: PlanFolder;
beforeAll(async () => {
  home = await makePlanFolder();
  const parameters = 'parameters:\n  a: { type: int }\n  b: { type: int }\n  c: { type: int }\n';
  await writeAppliance(join(home.folder, 'strict'), `name: strict\nrun: ./job.sh\n${parameters}`);
});
afterAll(() => home[Symbol.asyncDispose]());

/** Mistakes of a file of points, or a plan, for an appliance whose parameters have no defaults. */
const mistakes = async (name: string, text: string) =>
  home.mistakesOf(await home.write(name, text), join(home.folder, 'strict/square'));

describe('all mistakes are told at once', () => {
  test('of a table: columns that are unknown, that are missing, and cells', async () => {
    expect(await mistakes('t.csv', 'a,k\n1,2\nx,3\n1\n')).toEqual([
      '1:1: b is missing, and has no default',
      '1:1: c is missing, and has no default',
      '1:3: column "k": strict has no such parameter; its parameters: a, b, c',
      '3:1: a: must be an integer, not "x"',
      '4:1: has 1 cell, and the table 2 columns',
    ]);
  });

  test('of a plan: values, and parameters that are missing', async () => {
    expect(await mistakes('p.yaml', 'parameters:\n  a: x\n  k: 1\n')).toEqual([
      '2:3: parameters: b is missing, and has no default',
      '2:3: parameters: c is missing, and has no default',
      '2:6: parameters.a: must be an integer, not "x"',
      '3:3: parameters.k: strict has no such parameter; its parameters: a, b, c',
    ]);
  });

  test('of a plan that says something twice', async () => {
    const told = await mistakes(
      'p.yaml',
      'parameters: { a: 1, b: 2, c: x }\nfiles: [gone]\nfiles: [lost]\nn: 1\n',
    );
    expect(told).toEqual([
      '1:30: parameters.c: must be an integer, not "x"',
      expect.stringMatching(/^2:9: files\.0: cannot read the file .*gone: ENOENT/),
      '3:1: Map keys must be unique',
      '4:1: unknown entry "n"',
    ]);
    expect(await mistakes('p.yaml', 'parameters: { a: 1, a: 1 }')).toContain('1:21: Map keys must be unique');
  });

  test('of one that joins such a plan', async () => {
    await home.write('part.yaml', 'parameters: { a: x, b: 2, c: 3 }\nparameters: { a: 1, b: 2, c: 3 }\n');
    expect(await mistakes('p.yaml', 'plans: [part.yaml]')).toEqual([
      'part.yaml:1:18: parameters.a: must be an integer, not "x"',
      'part.yaml:2:1: Map keys must be unique',
    ]);
  });
});
