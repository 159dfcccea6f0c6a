import { describe, expect, it } from 'vitest';
import { checkJsonOutput } from '../support/json-output.js';

describe('checkJsonOutput', () => {
  const pack = { file: 'a.ova', size: 1, members: [] };

  it('lets pass what is documented, and errors', () => {
    checkJsonOutput(['pack', 'a', '--json'], JSON.stringify(pack));
    checkJsonOutput(['pack', 'a', '--json'], '{"error": {"code": "A", "message": "b"}}');
    checkJsonOutput(['pack', 'a'], 'anything');
  });

  it('finds what is missing, of another type, or not documented', () => {
    const refuse = (value: object, words = ['pack', '--json']) =>
      expect(() => checkJsonOutput(words, JSON.stringify(value)));
    refuse({ ...pack, size: undefined }).toThrow('size');
    refuse({ ...pack, size: '1' }).toThrow('size');
    refuse({ ...pack, more: 1 }).toThrow('more');
    refuse({ ...pack, members: [{ name: 'x', size: 1 }] }).toThrow('digest');
    refuse(pack, ['unpack', '--json']).toThrow('does not say');
  });

  it('takes each of JSON Lines by itself', () => {
    const line = '{"point":0,"parameters":{"n":1}}\n';
    checkJsonOutput(['plan', 'p', '--json'], line + line);
    expect(() => checkJsonOutput(['plan', 'p', '--json'], `${line}{"point":1}\n`)).toThrow('Invalid');
  });
});
