import { describe, expect, it } from 'vitest';
import { XmlDocument } from 'libxml2-wasm';
import { ovfEnvironment } from '../../src/ovf/environment.js';
import { needsSchemas, schemas, withoutSchemas, xmllint } from './schemas.js';

const odd = `<&>"' \t\r\n]]> \u0000\u0007\ufffe \ud800 ü 🚀 &#10; \u0085\u2028`;
const full = ovfEnvironment('square "1"', [
  { name: 'n', text: '7' },
  { name: 'odd', text: odd },
  { name: 'none', text: '' },
]);

describe('the OVF environment', () => {
  it.skipIf(withoutSchemas)(`is valid under DSP8027${needsSchemas}`, async () => {
    const documents = { 'full.xml': full, 'none.xml': ovfEnvironment('square', []) };
    expect(await xmllint(documents, schemas.environment110)).toBe('');
  });

  it('gives back the texts, but for what no XML can hold', () => {
    using document = XmlDocument.fromString(full);
    const values = document.root
      .find('//e:Property/@e:value', { e: 'http://schemas.dmtf.org/ovf/environment/1' })
      .map((node) => node.content);
    // eslint-disable-next-line no-control-regex -- these are the characters in question
    expect(values).toEqual(['7', odd.replace(/[\0\x07\ufffe]|\ud800(?! )|\ud800/g, '\ufffd'), '']);
  });
});
