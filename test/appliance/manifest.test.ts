import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/appliance/load.js';
import { parametersFromWords, resolveParameters } from '../../src/appliance/parameters.js';

const square = `name: square
version: 1.0.0
base: micro
hardware: { cpus: 1, memory: 256M }
run: ./job.sh $(cat /cdrom/param)        # a shell command line; PATH has /app first, working directory /output
parameters:
  n: { type: int, default: 7, label: "side" }
output: { size: 64M }
`;

describe('gva.yaml', () => {
  it('is read with its defaults', () => {
    expect(parseManifest(square, 'gva.yaml')).toEqual({
      ...{ name: 'square', version: '1.0.0', base: 'micro', hardware: { cpus: 1, memory: 2 ** 28 } },
      run: './job.sh $(cat /cdrom/param)',
      parameters: [{ name: 'n', type: 'int', default: 7, label: 'side' }],
      output: { size: 2 ** 26 },
    });
    expect(parseManifest('name: x\nrun: true-program\n', 'gva.yaml')).toMatchObject({
      base: 'micro',
      parameters: [],
    });
  });

  it('has all its mistakes reported at once, each with line and column', () => {
    const text = `nam: square
version: [1]
hardware: { cpus: 0, memory: lots, disk: 3 }
run: ""
parameters:
  n: { type: int, default: seven }
  gva_x: { type: int }
  2nd: { type: integer }
  __proto__: { type: int }
  mode: { type: string, values: [a, 1], min: 3, max: 1 }
output: { size: 64X }
`;
    expect(() => parseManifest(text, 'sq/gva.yaml')).toThrow(
      expect.objectContaining({ code: 'APPLIANCE_INVALID', exitCode: 2 }) as Error,
    );
    expect(message(text).split('\n')).toEqual([
      'sq/gva.yaml:1:1: name is missing',
      'sq/gva.yaml:1:1: unknown entry "nam"',
      expect.stringMatching(/^sq\/gva.yaml:2:10: version: /),
      expect.stringMatching(/^sq\/gva.yaml:3:19: hardware.cpus: /),
      'sq/gva.yaml:3:30: hardware.memory: must be a size such as 256M',
      'sq/gva.yaml:3:36: hardware: unknown entry "disk"',
      'sq/gva.yaml:4:6: run: must not be empty',
      'sq/gva.yaml:8:16: parameters.2nd.type: must be int, float, string or bool',
      'sq/gva.yaml:11:17: output.size: must be a size such as 64M',
    ]);
  });

  it('has the mistakes that no schema can say reported the same way', () => {
    const text = `name: x
run: y
parameters:
  n: { type: int, default: seven }
  gva_x: { type: int }
  2nd: { type: int }
  mode: { type: string, values: [a, 1] }
  low: { type: int, min: 3, max: 1, default: 2 }
`;
    expect(message(text).split('\n')).toEqual([
      'sq/gva.yaml:4:28: parameter n: default must be an integer, not "seven"',
      'sq/gva.yaml:5:3: parameter gva_x: names that begin with gva_ are kept for GVA',
      'sq/gva.yaml:6:3: parameter "2nd": a name is up to 64 letters, digits and "_"',
      'sq/gva.yaml:7:37: parameter mode: each of values must be a string, not 1',
      'sq/gva.yaml:8:34: parameter low: max is smaller than min',
      'sq/gva.yaml:8:46: parameter low: default must be at least 3',
    ]);
  });

  it.each([
    ['broken YAML', 'name: [x\nrun: y', /gva.yaml:2:\d+: /],
    ['a key twice', 'name: x\nname: y\nrun: z', /gva.yaml:2:1: Map keys must be unique/],
    [
      'an alias bomb',
      `a: &a [1]\nb: &b [${'*a,'.repeat(50)}]\nc: &c [${'*b,'.repeat(50)}]\nname: x\nrun: y`,
      /alias/,
    ],
    ['no map', '- a', /gva.yaml:1:1: /],
    ['nothing', '', /name is missing/],
  ])('refuses %s', (_what, text, expected) => {
    expect(message(text)).toMatch(expected);
  });
});

function message(text: string): string {
  try {
    parseManifest(text, 'sq/gva.yaml');
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the manifest was accepted');
}

describe('parameters', () => {
  const appliance = parseManifest(
    'name: x\nrun: y\nparameters:\n  b: { type: bool, default: false }\n  f: { type: float, default: 0.1 }\n  s: { type: string, default: "" }\n  i: { type: int }\n',
    'gva.yaml',
  );

  it('come from words by their declared types, in the order of declaration', () => {
    const values = resolveParameters(
      appliance,
      parametersFromWords(appliance, ['i=-5', 's=1=2', 'b=true', 'f=1e-3']),
    );
    expect(Object.entries(values)).toEqual([
      ['b', true],
      ['f', 0.001],
      ['s', '1=2'],
      ['i', -5],
    ]);
  });

  it.each([
    [['i=1.5'], 'must be an integer, not 1.5'],
    [['i='], 'must be an integer, not ""'],
    [['i=9007199254740993'], 'must be an integer'],
    [['i=1', 'b=yes'], 'must be true or false, not "yes"'],
    [['i=1', 'f=NaN'], 'must be a number, not "NaN"'],
    [['i=1', 's=a\0b'], 'NUL'],
    [['i=1', '__proto__=1'], 'no parameter "__proto__"'],
  ])('%j are refused', (words, expected) => {
    expect(() => resolveParameters(appliance, parametersFromWords(appliance, words))).toThrow(expected);
  });
});
