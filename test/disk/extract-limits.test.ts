import { describe, expect, test } from 'vitest';
import { directory, extracted, FakeTree, file, type FakeNode } from './extract-fixture.js';

describe('limits', () => {
  const many = (count: number, node: () => FakeNode) =>
    new FakeTree(
      directory(...Array.from({ length: count }, (_, at): [string, FakeNode] => [`${at}`, node()])),
    );

  test('bytes: the file in which it is reached is cut', async () => {
    const tree = directory(['a', file('12345', { size: 9 })], ['b', file('12345')], ['c', file('12345')]);
    const { found, report, findings } = await extracted(new FakeTree(tree), { maxBytes: 7 });
    expect(Object.fromEntries(found)).toEqual({ a: 'file 755 9 12345\0\0\0\0', b: 'file 755 2 12' });
    expect(findings).toEqual(['LIMIT_BYTES']);
    expect(report).toMatchObject({ bytes: 7, truncated: true });
  });

  test('bytes: exactly as many are allowed', async () => {
    const { report } = await extracted(new FakeTree(directory(['a', file('12345')], ['b', file('')])), {
      maxBytes: 5,
    });
    expect(report).toMatchObject({ files: 2, bytes: 5, truncated: false, findings: [] });
  });

  test('files: entries that are skipped count as well', async () => {
    const { found, findings, report } = await extracted(
      many(100, () => ({ kind: 'fifo' })),
      { maxFiles: 10 },
    );
    expect(found.size).toBe(0);
    expect(findings.at(-1)).toBe('LIMIT_FILES');
    expect(report).toMatchObject({ findingCount: 11, truncated: true });
  });

  test('depth: deeper directories are there, but empty', async () => {
    const tree = directory([
      '1',
      directory(['2', directory(['3', directory(['4', file('x')])])], ['f', file('x')]),
    ]);
    const { found, findings, report } = await extracted(new FakeTree(tree), { maxDepth: 2 });
    expect([...found.keys()]).toEqual(['1', '1/2', '1/2/3', '1/f']);
    expect(findings).toEqual(['LIMIT_DEPTH 1/2/3']);
    expect(report.truncated).toBe(true);
  });

  test('size: a claim beyond it ends with the data', async () => {
    const tree = directory(
      ['exabytes', file('x', { size: Number.MAX_SAFE_INTEGER })],
      ['far', { kind: 'file', size: 5000, pieces: [[0, 'near'], [900, 'cut here'], [4000, 'far']] }], // prettier-ignore
    );
    const { found, findings, report } = await extracted(new FakeTree(tree), { maxFileSize: 903 });
    expect(found.get('exabytes')).toBe('file 755 1 x');
    expect(found.get('far')).toMatch(/^file 755 903 near.*cut$/s);
    expect(findings).toEqual(['FILE_SIZE exabytes', 'FILE_SIZE far']);
    expect(report.truncated).toBe(true);
  });

  test('time: also within one endless directory or file', async () => {
    const tree = new FakeTree(directory(['file', file('x')]));
    tree.readFile = async function* () {
      for (;;) {
        await Promise.resolve();
        yield undefined;
      }
    };
    const start = performance.now();
    const { found, findings, report } = await extracted(tree, { timeMs: 50 });
    expect(performance.now() - start).toBeLessThan(30_000);
    expect(findings).toEqual(['LIMIT_TIME']);
    expect(found.get('file')).toBe('file 755 0 ');
    expect(report.truncated).toBe(true);
  });

  test('time: also on the way to the first directory', async () => {
    const { report } = await extracted(new FakeTree(directory(['d', directory()])), {
      from: 'd',
      timeMs: -1,
    });
    expect(report).toMatchObject({ findings: [{ code: 'LIMIT_TIME' }], truncated: true });
  });

  test('findings: kept up to a number, counted all', async () => {
    const { report } = await extracted(
      many(50, () => ({ kind: 'socket' })),
      { maxFindings: 5 },
    );
    expect(report).toMatchObject({ findingCount: 50, truncated: false });
    expect(report.findings.length).toBe(5);
  });

  test('a signal ends it with its own reason', async () => {
    const controller = new AbortController();
    const tree = many(10, () => file('x'));
    tree.readFile = async function* () {
      controller.abort(new Error('enough'));
      await Promise.resolve();
      yield undefined;
    };
    await expect(extracted(tree, { signal: controller.signal })).rejects.toThrow('enough');
    await expect(extracted(tree, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    );
  });
});
