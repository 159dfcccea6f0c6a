import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parameterFiles } from '../../src/appliance/parameter-files.js';
import type { ParameterType, ParameterValue, ParameterValues } from '../../src/model/parameter.js';
import { guestFile } from '../../src/system/package.js';

// The guest makes the parameter files from an OVF environment alone; here by this machine's awk and by busybox's,
// which is the one in the base "micro".
const interpreters = [['awk'], ['busybox', 'awk']];

type Types = Readonly<Record<string, ParameterType>>;

/** Path to bytes, as latin1 so that a difference can be read. */
type Files = Readonly<Record<string, string>>;

const generated = (values: ParameterValues): Files =>
  Object.fromEntries(
    parameterFiles(values, 'x').flatMap((entry) =>
      entry.kind === 'file' && entry.content instanceof Uint8Array && entry.path !== 'ovf-env.xml'
        ? [[entry.path, Buffer.from(entry.content).toString('latin1')]]
        : [],
    ),
  );

const environmentOf = (values: ParameterValues): string =>
  parameterFiles(values, 'x').flatMap((entry) =>
    entry.kind === 'file' && entry.path === 'ovf-env.xml' && entry.content instanceof Uint8Array
      ? [Buffer.from(entry.content).toString()]
      : [],
  )[0] ?? '';

describe.each(interpreters)('by %s', (...command: string[]) => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'gva-ovf-env-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const out = () => join(folder, 'out');
  beforeEach(() => clear());
  function clear(): void {
    for (const name of ['out', 'defaults', 'declarations'])
      rmSync(join(folder, name), { recursive: true, force: true });
    mkdirSync(join(out(), 'param.d'), { recursive: true });
    mkdirSync(join(folder, 'defaults'));
  }

  /** What the guest makes of the document; `said` is what it says besides. */
  function make(types: Types | undefined, defaults: ParameterValues, document: string | Uint8Array) {
    clear();
    if (types)
      writeFileSync(
        join(folder, 'declarations'),
        Object.entries(types)
          .map(([name, type]) => `${type} ${name}\n`)
          .join(''),
      );
    for (const [path, bytes] of Object.entries(generated(defaults)))
      if (path.startsWith('param.d/'))
        writeFileSync(join(folder, 'defaults', path.slice('param.d/'.length)), Buffer.from(bytes, 'latin1'));
    writeFileSync(join(folder, 'ovf-env.xml'), document);
    const [program = '', ...options] = command;
    const files = ['declarations', 'defaults', 'ovf-env.xml', 'out'].map((name) => join(folder, name));
    const said = execFileSync(program, [...options, '-f', guestFile('gvad-ovf-env'), ...files], {
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 20_000,
    });
    const paths = [
      ...readdirSync(out()),
      ...readdirSync(join(out(), 'param.d')).map((name) => `param.d/${name}`),
    ];
    const made: Files = Object.fromEntries(
      paths
        .filter((path) => path !== 'param.d')
        .map((path) => [path, readFileSync(join(out(), path), 'latin1')]),
    );
    return { made, said: said.toString() };
  }

  /** An environment as others write it, around these properties. */
  const document = (properties: string) =>
    `<?xml version="1.0"?><Environment xmlns:oe="e"><PropertySection>${properties}</PropertySection></Environment>`;

  /** The value that a single property of the type has in the end. */
  function valueOf(property: string, type: ParameterType = 'string', fallback?: ParameterValue) {
    const defaults = fallback === undefined ? {} : { a: fallback };
    const { made } = make({ a: type }, defaults, document(property));
    return made['param.d/a'] === undefined ? undefined : Buffer.from(made['param.d/a'], 'latin1').toString();
  }

  it('of any values, the files are those of a CD of ours to the byte', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,8}$/);
    const odd = fc.constantFrom(
      ...[
        '&',
        '<',
        '>',
        '"',
        "'",
        "''",
        '\\',
        '\\n',
        '\n',
        '\r\n',
        '\t',
        ' ',
        '%',
        '%s',
        '$(reboot)',
        '`id`',
      ],
      ...[
        '&amp;',
        '&#10;',
        ']]>',
        '-->',
        '=',
        '/',
        '*',
        ';',
        'é',
        'ß',
        '漢',
        '🙂',
        '\u007f',
        '\u0085',
        '\u2028',
      ],
      ...['\ufeff', '\ud800', '\u0001', '{}', '[', '\\u0041', 'a', '0'],
    );
    const text = fc.oneof(
      fc.array(odd, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 20 }).filter((each) => !each.includes('\0')),
    );
    // What XML 1.0 cannot hold at all comes as U+FFFD on every way.
    const storable = (each: string) =>
      // eslint-disable-next-line no-control-regex -- these are the characters in question
      each.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
    const parameter = fc.oneof(
      fc.record({ type: fc.constant<ParameterType>('string'), value: text.map(storable) }),
      fc.record({ type: fc.constant<ParameterType>('int'), value: fc.maxSafeInteger() }),
      fc.record({
        type: fc.constant<ParameterType>('float'),
        value: fc.double({ noNaN: true, noDefaultInfinity: true }),
      }),
      fc.record({ type: fc.constant<ParameterType>('bool'), value: fc.boolean() }),
    );
    const parameters = fc.uniqueArray(fc.tuple(name, parameter, parameter, fc.boolean()), {
      selector: ([key]) => key,
      maxLength: 6,
    });
    fc.assert(
      fc.property(parameters, (all) => {
        const types = Object.fromEntries(all.map(([key, { type }]) => [key, type]));
        const same = (one: { type: ParameterType }, other: { type: ParameterType }) =>
          one.type === other.type;
        const values = Object.fromEntries(all.map(([key, { value }]) => [key, value]));
        const defaults = Object.fromEntries(
          all.map(([key, given, other]) => [key, same(given, other) ? other.value : given.value]),
        );
        // Of some only the default is known; the document has the others in another order.
        const given = Object.fromEntries(
          all.flatMap(([key, { value }, , isGiven]) => (isGiven ? [[key, value] as const] : [])).reverse(),
        );
        const expected = Object.fromEntries(
          all.map(([key, , , isGiven]) => [key, (isGiven ? values : defaults)[key] ?? '']),
        );
        const { made, said } = make(types, defaults, environmentOf(given));
        expect(made).toEqual(generated(expected));
        expect(said).toBe('');
      }),
      { numRuns: process.env['GVA_LONG'] ? 1000 : 50 },
    );
  });

  it.each([
    ['attributes in any order', '<Property oe:value="7" oe:key="a"/>', '7'],
    ['any prefix, and more attributes', '<ns0:Property x:y="1" ns1:key="a" z="2" ns1:value="7"/>', '7'],
    ['no prefix', '<Property key="a" value="7"/>', '7'],
    ['single quotes', `<Property oe:key='a' oe:value='"7"'/>`, '"7"'],
    ['blanks and lines anywhere', '<Property\n\toe:key = "a"\r\n  oe:value\n=\n"7"\n/>', '7'],
    ['an end tag', '<Property oe:key="a" oe:value="7"></Property>', '7'],
    ['a > in a value', '<Property oe:key="a" oe:value="/>7>"/>', '/>7>'],
    ['named references', '<Property oe:key="a" oe:value="&lt;&gt;&amp;&quot;&apos;"/>', `<>&"'`],
    [
      'references by number',
      '<Property oe:key="a" oe:value="&#10;&#x41;&#xe9;&#8364;&#x1F600;&#9;"/>',
      '\nAé€😀\t',
    ],
    ['line ends and tabs', '<Property oe:key="a" oe:value="1\r\n2\n3\t4\r5"/>', '1 2 3 4 5'],
    [
      'a reference to no character',
      '<Property oe:key="a" oe:value="&#0;&#xD800;&#x110000;&#99999999999;"/>',
      '\ufffd'.repeat(4),
    ],
    ['no reference', '<Property oe:key="a" oe:value="&; & &x; &#; &#xg; &amp"/>', '&; & &x; &#; &#xg; &amp'],
    ['a key with references', '<Property oe:key="&#97;" oe:value="7"/>', '7'],
    [
      'a namespace named like an attribute',
      '<Property xmlns:value="no" xmlns:key="no" k:value="7" k:key="a"/>',
      '7',
    ],
    ['the last of two', '<Property oe:key="a" oe:value="6"/><Property oe:key="a" oe:value="7"/>', '7'],
    [
      'comments',
      '<!-- <Property oe:key="a" oe:value="6"/> > -- --><Property oe:key="a" oe:value="7"/><!--<-->',
      '7',
    ],
    [
      'CDATA and instructions',
      '<![CDATA[<Property oe:key="a" oe:value="6"/>]]><?x <Property?><Property oe:key="a" oe:value="7"/>',
      '7',
    ],
  ])('reads %s', (_what, property, expected) => {
    expect(valueOf(property)).toBe(expected);
  });

  it.each([
    ['other elements', '<NoProperty oe:key="a" oe:value="7"/>'],
    ['what is deeper', '<Other><Property oe:key="a" oe:value="7"/></Other>'],
    [
      'other machines of the same environment',
      '</PropertySection><Entity><PropertySection><Property oe:key="a" oe:value="7"/></PropertySection></Entity><PropertySection>',
    ],
    ['comments', '<!-- <Property oe:key="a" oe:value="7"/> -->'],
    ['a property without a value', '<Property oe:key="a"/>'],
    ['an attribute that never ends', '<Property oe:key="a" oe:value="7/>'],
    ['unknown properties', '<Property oe:key="../../x" oe:value="7"/><Property oe:key="b" oe:value="7"/>'],
    ['what only begins like it', '<Property oe:key="aa" oe:value="7"/><Property oe:key="a-b" oe:value="7"/>'],
  ])('ignores %s', (_what, property) => {
    expect(valueOf(property, 'string', 'default')).toBe('default');
  });

  it.each([
    ['CLASS.KEY', 'com.example.a'],
    ['KEY.INSTANCE', 'a.1'],
    ['CLASS.KEY.INSTANCE', 'vami.a.VM_1'],
  ])('knows a key of the form %s', (_form, key) => {
    const property = `<Property oe:key="${key}" oe:value="7"/>`;
    expect(valueOf(property)).toBe('7');
    expect(valueOf(`<Property oe:key="a" oe:value="own"/>${property}`)).toBe('own');
    expect(valueOf(`${property}<Property oe:key="a" oe:value="own"/>`)).toBe('own');
  });

  it('does not guess which of two a key means', () => {
    const { made } = make(
      { a: 'int', b: 'int' },
      { a: 1, b: 2 },
      document('<P:Property k="" key="a.b" value="7"/>'),
    );
    expect(made['param']).toBe('1 2\n');
  });

  it('takes numbers and truth values as vSphere writes them', () => {
    expect(valueOf('<Property oe:key="a" oe:value="True"/>', 'bool')).toBe('true');
    expect(valueOf('<Property oe:key="a" oe:value=""/>', 'bool', true)).toBe('true');
    expect(valueOf('<Property oe:key="a" oe:value=" 12&#10;"/>', 'int')).toBe('12');
    expect(valueOf('<Property oe:key="a" oe:value=""/>', 'int', 5)).toBe('5');
    expect(valueOf('<Property oe:key="a" oe:value=""/>', 'string', 'default')).toBe('');
    expect(valueOf('<Property oe:key="a" oe:value="True"/>', 'string')).toBe('True');
  });

  it('params.json is JSON whatever somebody typed', () => {
    const types: Types = { a: 'int', b: 'float', c: 'bool' };
    const typed = (a: string, b: string, c: string) =>
      make(types, {}, environmentOf({ a, b, c })).made['params.json'] ?? '';
    expect(JSON.parse(typed('007', '1,5', 'maybe'))).toEqual({ a: '007', b: '1,5', c: 'maybe' });
    expect(JSON.parse(typed('+1', '.5', 'TRUE'))).toEqual({ a: '+1', b: '.5', c: true });
    expect(JSON.parse(typed('-7', '1.50e-3', 'false'))).toEqual({ a: -7, b: 0.0015, c: false });
  });

  it('a parameter without a value is left out, and said', () => {
    const { made, said } = make({ a: 'int', b: 'int' }, { b: 2 }, document(''));
    expect(made).toEqual(generated({ b: 2 }));
    expect(said).toBe('parameter a has no value\n');
  });

  it('without declarations, all properties that can be names are strings, in their order', () => {
    const properties = ['z', '1', 'a b', 'a', '__x', 'c.d', 'x'.repeat(65)].map(
      (key, index) => `<Property oe:key="${key}" oe:value="${index}"/>`,
    );
    const { made } = make(undefined, {}, document(properties.join('')));
    expect(made).toEqual(
      generated(
        Object.fromEntries([
          ['z', '0'],
          ['a', '3'],
          ['__x', '4'],
        ]),
      ),
    );
  });

  it('an environment without properties, or none at all, leaves the defaults', () => {
    for (const text of [
      '',
      '<Environment/>',
      'no XML',
      '<',
      '<<<<',
      '<>',
      '</a></b>',
      '<!DOCTYPE a [<!ENTITY b "c">]>',
    ])
      expect(make({ a: 'int' }, { a: 1 }, text).made).toEqual(generated({ a: 1 }));
    expect(make({}, {}, '<Environment/>').made).toEqual(generated({}));
    // An appliance without parameters.
    expect(make({}, {}, document('<Property oe:key="a" oe:value="7"/>')).made).toEqual(generated({}));
  });

  it('any bytes end in files, in no time', () => {
    const piece = fc.constantFrom(
      ...[
        '<',
        '>',
        '/',
        '"',
        "'",
        '=',
        ' ',
        'Environment',
        'PropertySection',
        'Property',
        'oe:key',
        'oe:value',
        'a',
      ],
      ...['<!--', '-->', '<![CDATA[', ']]>', '<?', '?>', '&', ';', '&#', '\n', '\xff', '\xc3'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { made } = make({ a: 'string' }, { a: 'x' }, Buffer.from(pieces.join(''), 'latin1'));
        expect(Object.keys(made).sort()).toEqual(['param', 'param.d/a', 'params.json', 'params.sh']);
      }),
      { numRuns: process.env['GVA_LONG'] ? 1000 : 25 },
    );
  });

  it('a long document is no harm', () => {
    const many = Array.from(
      { length: 5000 },
      (_, index) => `<Property oe:key="k${index}" oe:value="v"/>`,
    ).join('');
    const long = `&amp;"'`.replace('"', '&quot;').repeat(2000);
    const { made } = make({ a: 'string' }, {}, document(`${many}<Property oe:key="a" oe:value="${long}"/>`));
    expect(made).toEqual(generated({ a: `&"'`.repeat(2000) }));
  });
});
