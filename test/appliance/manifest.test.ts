import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/appliance/manifest.js';
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

const described = `description: |
  Computes squares.
  Many of them.
vendor: Squares & Sons
url: https://example.org/square
eula: { file: app/doc/LICENSE.txt }
deployment-options:
  small: { label: Small, memory: 128M }
  large: { label: Large, description: For big squares, cpus: 16 }
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
      'sq/gva.yaml:1:1: unknown entry "nam"; did you mean name?',
      expect.stringMatching(/^sq\/gva.yaml:2:10: version: /),
      expect.stringMatching(/^sq\/gva.yaml:3:19: hardware.cpus: /),
      'sq/gva.yaml:3:30: hardware.memory: must be a size such as 256M',
      'sq/gva.yaml:3:36: hardware: unknown entry "disk"',
      'sq/gva.yaml:4:6: run: must not be empty',
      'sq/gva.yaml:8:16: parameters.2nd.type: must be int, float, string or bool',
      'sq/gva.yaml:11:17: output.size: must be a size such as 64M',
    ]);
  });

  it('needs no run where a base that is named may be a container image, which has a program of its own', () => {
    const run = '/etc/gva/run $(cat /cdrom/param)';
    for (const base of ['solver', 'microscope', `solver@${'1'.repeat(16)}`])
      expect(parseManifest(`name: x\nbase: ${base}\n`, 'gva.yaml')).toMatchObject({ base, run });
    for (const base of ['', 'base: micro\n', 'base: micro-arm64\n', 'base: { packages: [bc] }\n'])
      expect(message(`name: x\n${base}`)).toBe('sq/gva.yaml:1:1: run is missing');
  });

  it('says after what instances may begin', () => {
    const text = 'name: x\nrun: y\nbefore: z\nwarm: after-before\n';
    expect(parseManifest(text, 'gva.yaml')).toMatchObject({ before: 'z', warm: 'after-before' });
    expect(message(text.replace('after-before', 'hot'))).toBe('sq/gva.yaml:4:7: warm: must be after-before');
    expect(message(text.replace('before: z\n', ''))).toMatch(/^sq\/gva.yaml:3:7: warm: there is no before/);
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

  it('keeps the digests of appliances that use few of its entries', () => {
    expect(JSON.stringify(parseManifest(`before: b\n${square}`, 'gva.yaml'))).toBe(
      '{"name":"square","version":"1.0.0","base":"micro","hardware":{"cpus":1,"memory":268435456},' +
        '"run":"./job.sh $(cat /cdrom/param)","output":{"size":67108864},"before":"b",' +
        '"parameters":[{"name":"n","type":"int","default":7,"label":"side"}]}',
    );
  });

  it('says what a package says of the appliance', () => {
    const appliance = parseManifest(`${square}${described}`, 'gva.yaml', (path) => ({
      text: `licence of ${path}`,
    }));
    expect(appliance).toMatchObject({
      ...{ description: 'Computes squares.\nMany of them.\n', vendor: 'Squares & Sons' },
      ...{ url: 'https://example.org/square', eula: 'licence of app/doc/LICENSE.txt' },
      deploymentOptions: [
        { id: 'small', label: 'Small', cpus: 1, memory: 128 * 2 ** 20 },
        { id: 'large', label: 'Large', description: 'For big squares', cpus: 16, memory: 2 ** 28 },
      ],
    });
    expect(parseManifest(`${square}${described}`, 'gva.yaml')).not.toHaveProperty('eula');
  });

  it('has the mistakes in what it says for packages reported with the others', () => {
    const text = `name: x
run: y
description: ""
vendor: 3
url: ftp://example.org
eula: { file: ../LICENSE.txt }
deployment-options:
  small: { label: "a\\nb", cpus: 0 }
  large: { label: Large }
  huge: { cpus: 2, disk: 1 }
  big: { label: Big, memory: 1M }
`;
    expect(message(text).split('\n')).toEqual([
      'sq/gva.yaml:3:14: description: must not be empty',
      'sq/gva.yaml:4:9: vendor: must be text (in quotes, if YAML takes it for something else)',
      'sq/gva.yaml:5:6: url: must be an address that begins with https:// or http://',
      'sq/gva.yaml:6:15: eula.file: must be a file under app/, such as app/LICENSE.txt',
      'sq/gva.yaml:8:19: deployment-options.small.label: must be one line',
      expect.stringMatching(/^sq\/gva.yaml:8:33: deployment-options.small.cpus: /),
      'sq/gva.yaml:9:10: deployment-options.large: must say cpus or memory, or it would not differ from hardware',
      'sq/gva.yaml:10:9: deployment-options.huge.label is missing',
      'sq/gva.yaml:10:20: deployment-options.huge: unknown entry "disk"',
      'sq/gva.yaml:11:30: deployment-options.big.memory: must be at least 96M',
    ]);
    const options = `name: x
run: y
eula: { file: app/LICENSE }
deployment-options:
  normal: { label: N, cpus: 2 }
  "a b": { label: A, cpus: 2 }
`;
    expect(message(options, () => ({ problem: 'there is no such file' })).split('\n')).toEqual([
      'sq/gva.yaml:3:15: eula.file: there is no such file',
      'sq/gva.yaml:5:3: deployment option normal: this is what hardware says; choose another name',
      expect.stringMatching(/^sq\/gva.yaml:6:3: deployment option "a b": a name is /),
    ]);
  });

  it.each(['/etc/passwd', 'LICENSE', 'app', 'app/', 'app/../x', 'app//x', 'app/./x', 'app\\x', 'data/x'])(
    'refuses a licence at %s',
    (path) => {
      const text = `name: x\nrun: y\neula: { file: ${JSON.stringify(path)} }\n`;
      expect(message(text)).toMatch(/gva.yaml:3:15: eula.file: must be a file under app/);
    },
  );

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

function message(text: string, eulaOf?: Parameters<typeof parseManifest>[2]): string {
  try {
    parseManifest(text, 'sq/gva.yaml', eulaOf);
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
