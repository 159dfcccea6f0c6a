import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/model/envelope.js';
import { hardwareOf } from '../../src/ovf/hardware.js';
import { parametersOf } from '../../src/ovf/properties.js';
import { readDescriptor } from '../../src/ovf/read-descriptor.js';
import { writeDescriptor } from '../../src/ovf/write-descriptor.js';
import { GvaError } from '../../src/system/errors.js';
import { Random } from '../disk/fuzz.js';
import { full } from './descriptor-samples.js';
import { corpusFiles, corpusFolder, cpu, descriptor, disk, item, read, told } from './foreign-fixture.js';

/** GVA_FUZZ_SEED=7 GVA_LONG=1 npx vitest run --project unit test/ovf/hostile-descriptors.test.ts */
const runs = process.env['GVA_LONG'] ? 20_000 : 300;
const seed = Number(process.env['GVA_FUZZ_SEED'] ?? 1);

const refusal = (message: RegExp) =>
  expect.objectContaining({
    code: 'OVF_DESCRIPTOR',
    message: expect.stringMatching(message) as string,
  }) as Error;

/** Everything that is asked of a descriptor, as `inspect` does. */
function ask(bytes: Uint8Array): Envelope {
  const envelope = readDescriptor(bytes, 'x.ovf');
  for (const system of envelope.systems) {
    const { configuration } = hardwareOf(system, envelope);
    parametersOf(system, configuration);
  }
  return envelope;
}

describe('documents that attack the parser', () => {
  it('bring entities', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gva-ovf-'));
    try {
      const secret = join(folder, 'secret');
      writeFileSync(secret, 'top secret');
      const evil = (declaration: string) =>
        descriptor().replace('<Envelope', `<!DOCTYPE x ${declaration}><Envelope`);
      const general = evil(`[<!ENTITY e SYSTEM "file://${secret}">]`).replace('a machine', '&e;');
      expect(() => read(general)).toThrow(refusal(/document type declaration/));
      expect(() => read(evil(`SYSTEM "file://${secret}"`))).toThrow(refusal(/document type declaration/));
      expect(() => read(evil('[<!ATTLIST x y CDATA "z">]'))).toThrow(refusal(/document type declaration/));
      const included = `<x:include xmlns:x="http://www.w3.org/2001/XInclude" parse="text" href="file://${secret}"/>`;
      const system = `<AnnotationSection><Info/><Annotation>${included}</Annotation></AnnotationSection>`;
      expect(JSON.stringify(read(descriptor({ system })))).not.toContain('top secret');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('laugh a billion times', () => {
    const entities = Array.from({ length: 12 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`);
    const laughs = `<!DOCTYPE x [<!ENTITY e0 "ha">${entities.join('')}]><x y="&e12;">&e12;</x>`;
    expect(() => read(laughs)).toThrow(refusal(/amplification|document type/));
    expect(() => read('<!DOCTYPE x [<!ENTITY % p "&#37;p;"> %p;]><x/>')).toThrow(refusal(/^x\.ovf/));
  });

  it.each<[string, () => string, RegExp]>([
    ['are deep', () => '<a>'.repeat(100_000), /Excessive depth/],
    ['are wide', () => `<a>${'<b/>'.repeat(500_000)}</a>`, /more than 100000 elements and attributes/],
    [
      'have many attributes',
      () => `<a ${attributes(110_000, '')}/>`,
      /more than 100000 elements and attributes/,
    ],
    [
      'are long',
      () => ' '.repeat(5 * 2 ** 20),
      /^x\.ovf has 5242880 bytes; descriptors may have 4194304 at most$/,
    ],
    ['are of no encoding', () => '<?xml version="1.0" encoding="x-none"?><a/>', /no well-formed XML/],
    ['hold a NUL', () => '<a>\0</a>', /no well-formed XML/],
    ['say an attribute twice', () => '<a b="" b=""/>', /redefined/],
  ])('%s', (_what, text, message) => {
    expect(() => read(text())).toThrow(refusal(message));
  });

  it('have 4 MB of attributes', () => {
    const namespaces = attributes(20_000, 'xmlns:').replaceAll('""', '"u:v"');
    expect(read(descriptor({ attributes: namespaces })).systems).toHaveLength(1);
    const long = `v="${'x'.repeat(4_100_000)}"`;
    expect(read(descriptor({ attributes: long })).systems).toHaveLength(1);
    const key = 'k'.repeat(2 ** 21);
    const system = `<ProductSection><Property ovf:key="${key}" ovf:type="${key.slice(0, -2000)}" ovf:value="1"/></ProductSection>`;
    const envelope = ask(Buffer.from(descriptor({ system })));
    expect(envelope.systems[0]!.products[0]!.properties[0]!.key).toHaveLength(2 ** 21);
  });
});

const attributes = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, n) => `${prefix}a${n}=""`).join(' ');

describe('descriptors that attack the reader', () => {
  it('have no end of problems, of which the first are told', () => {
    const items = Array.from({ length: 1000 }, () => item({})).join('');
    const { problems } = read(descriptor({ items }));
    expect(problems.length).toBeLessThan(410);
    expect(problems.at(-1)).toEqual({
      ...{ severity: 'error', place: 'x.ovf', message: 'and 1800 more of these' },
    });
  });

  it('have more devices and systems than any machine', () => {
    const items = Array.from({ length: 5000 }, (_, n) => cpu({ InstanceID: n })).join('');
    expect(told(read(descriptor({ items })))).toEqual([
      'error 10 the machine has 5000 devices; 4096 are read at most',
    ]);
    const many = descriptor().replace(/<VirtualSystem [\s\S]*<\/VirtualSystem>/, (system) =>
      Array.from({ length: 130 }, (_, n) => system.replace('"vm"', `"vm${n}"`)).join(''),
    );
    const { systems, problems } = read(many);
    expect(systems).toHaveLength(128);
    expect(problems.map(({ message }) => message)).toEqual(
      Array(2).fill('no more than 128 virtual systems are read'),
    );
  });

  it('have lines beyond what the parser counts', () => {
    const text = descriptor({ items: disk({ HostResource: '/disk/none' }) });
    const { problems } = read(text.replace('<References>', `${'\n'.repeat(70_000)}<References>`));
    expect(problems).toMatchObject([
      { place: 'x.ovf: Envelope/VirtualSystem/VirtualHardwareSection/Item', severity: 'error' },
    ]);
  });

  it('name things after parts of JavaScript', () => {
    const value = '<Value ovf:configuration="__proto__" ovf:value="x"/>';
    const system = `<ProductSection ovf:class="__proto__"><Property ovf:key="constructor" ovf:type="__proto__">${value}</Property></ProductSection>`;
    const disks = '<Disk ovf:diskId="__proto__" ovf:capacity="1" ovf:capacityAllocationUnits="constructor"/>';
    const items = item({ InstanceID: '__proto__', ResourceType: 6, ResourceSubType: 'toString' });
    const envelope = ask(Buffer.from(descriptor({ system, disks, items })));
    expect(envelope.disks[0]!.id).toBe('__proto__');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe(`${runs} damaged descriptors`, () => {
  it('are read or refused', { timeout: 60_000 + runs * 50 }, () => {
    const random = new Random(seed);
    const originals = sources();
    const outcome = { read: 0, refused: 0 };
    for (let run = 0; run < runs; run += 1) {
      const damaged = damage(random.pick(originals), random);
      try {
        ask(damaged);
        outcome.read += 1;
      } catch (error) {
        if (!(error instanceof GvaError)) throw new Error(`run ${run} of seed ${seed}`, { cause: error });
        outcome.refused += 1;
      }
    }
    expect(outcome.read).toBeGreaterThan(runs / 10);
    expect(outcome.refused).toBeGreaterThan(runs / 10);
  });
});

/** Our own descriptors, and those of others where there are any. */
function sources(): string[] {
  const foreign = corpusFiles().filter((path) => !path.endsWith('.ova'));
  const texts = foreign.map((path) => readFileSync(join(corpusFolder, path), 'utf8'));
  return [descriptor(), writeDescriptor(full), ...texts];
}

const EVIL_VALUES = [
  ...['', '0', '-1', '9223372036854775808', '1e308', '0x10', '${x}', '${', '../../x', '/disk/', 'ovf:/file/'],
  ...[
    'byte * 2^99',
    'byte * 2^63',
    'ValueMap{',
    'true',
    '__proto__',
    '\u202e',
    '&#x85;',
    '  ',
    'x'.repeat(3000),
  ],
];

/** One to six changes, most of which leave XML that can be parsed. */
function damage(text: string, random: Random): Buffer {
  let damaged = text;
  for (let changes = random.below(6) + 1; changes > 0; changes -= 1) damaged = change(damaged, random);
  const bytes = Buffer.from(damaged);
  if (random.below(6) === 0) bytes[random.below(bytes.length)] = random.below(256);
  return random.below(20) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

function change(text: string, random: Random): string {
  const value = random.pick(EVIL_VALUES);
  switch (random.below(6)) {
    case 0:
      return replaceOne(text, /"[^"<]*"/g, () => `"${value}"`, random);
    case 1:
      return replaceOne(text, />[^<>]+</g, () => `>${value}<`, random);
    case 2:
      return replaceOne(
        text,
        /<(\w[\w:-]*)[^<>]*>[^<>]*<\/\1>/g,
        (element) => element.repeat(random.below(4)),
        random,
      );
    case 3:
      return replaceOne(text, / [\w:-]+="[^"]*"/g, () => '', random);
    case 4:
      return replaceOne(text, /<[\w:-]+/g, (tag) => `${tag}x`, random);
    default:
      return replaceOne(text, /<(\w[\w:-]*)[^<>]*\/>/g, (element) => element + element, random);
  }
}

function replaceOne(text: string, pattern: RegExp, by: (found: string) => string, random: Random): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const { 0: found, index } = random.pick(matches);
  return text.slice(0, index) + by(found) + text.slice(index + found.length);
}
