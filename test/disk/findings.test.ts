import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOfPrintable, Findings, printable, printableName } from '../../src/disk/findings.js';

test('printable names are harmless, and lead back to their bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('a', '/', '\\', 'x', '0', 'é', '\x1b', '\n', '\u202e', '😀', '\x9b') }),
  );
  fc.assert(
    fc.property(bytes, (each) => {
      const name = Buffer.from(each as string);
      for (const shown of [printable(name), printableName(name)]) {
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(bytesOfPrintable(shown).equals(name)).toBe(true);
      }
      expect(printableName(name)).not.toContain('/');
    }),
  );
});

test('notices leave a result complete, whether they are kept or not; all else does not', () => {
  const findings = new Findings(1);
  for (let n = 0; n < 3; n++) findings.add('EXT4_UNCLEAN', () => '', 'a notice');
  expect(findings).toMatchObject({ complete: true, total: 3, list: { length: 1 } });
  findings.add('SYMLINK_ESCAPE', () => 'link', 'not made');
  expect(findings).toMatchObject({ complete: false, total: 4, list: { length: 1 } });
});
