import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { collectReport } from '../../src/cli/report/collect.js';
import { imageTypeOf, netpbmToPng } from '../../src/report/images.js';
import { reportPage } from '../../src/report/html/report.js';
import { temporaryFolder } from '../support/gva.js';
import { hostile, type TestSweep, writeTestSweep } from './fixture.js';

const signal = new AbortController().signal;
const assets = { script: 'document.title = "x < y && z";', style: 'p { color: red }' };

async function pageOf(sweep: TestSweep, imageBytes = 1 << 20) {
  await using folder = await temporaryFolder();
  await writeTestSweep(folder.path, sweep);
  const data = await collectReport(folder.path, { imageBytes, signal });
  return { data, page: reportPage(data, assets) };
}

describe('the page of a hostile sweep', () => {
  test('has none of its words as HTML', async () => {
    const { page } = await pageOf(hostile);
    expect(page.match(/<script/g)).toHaveLength(4);
    expect(
      page.match(
        /<script type="(?:application\/gzip|image\/(?:png|svg\+xml))" id="[\w-]+">[\w+/=]*<\/script>/g,
      ),
    ).toHaveLength(3);
    for (const tag of ['<img', '<svg onload', '<i>', '<b>"', '<u>', '<style>*', '<script>alert'])
      expect(page).not.toContain(tag);
    expect(page).toContain('&lt;script&gt;alert(4)&lt;/script&gt;');
    // eslint-disable-next-line no-control-regex -- control characters are what this is about
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  });

  test('allows no script but its own, and nothing from elsewhere', async () => {
    const { page } = await pageOf(hostile);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!.replaceAll('&#39;', "'");
    const digest = createHash('sha256').update(assets.script).digest('base64');
    expect(policy).toContain(`script-src 'sha256-${digest}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page).toContain(`<script>${assets.script}</script>`);
    expect(page).not.toMatch(/(?:src|href)="(?!#|data:)/);
  });

  test('tells of its failure what it said, and takes in no file that is no picture', async () => {
    const { data } = await pageOf(hostile);
    expect(data.failures.groups).toMatchObject([
      {
        ...{ state: 'failed', cause: 'script-status', status: 3, count: 1, points: [2] },
        examples: [
          {
            ...{ point: 2, host: '<u>node', stderr: ['<svg onload=alert(5)>'] },
            console: ['one', '\ufffd]0;title\ufffd</pre><script>alert(4)</script>'],
          },
        ],
      },
    ]);
    expect(data.images.images.map(({ path, type }) => [path, type])).toEqual([
      ['"><script>alert(8)<.png', 'image/png'],
      ['evil.svg', 'image/svg+xml'],
    ]);
  });
});

test('without a script, the page says totals, failures and what ran', async () => {
  const { page } = await pageOf(hostile);
  const text = page.replace(/<script[^]*?<\/script>|<style[^]*?<\/style>/g, '');
  for (const words of [
    'percolation 1.2.0',
    'script-status, exit status 3',
    'micro',
    '75 %',
    'failed <b>1</b>',
  ])
    expect(text).toContain(words);
});

test('a start that the table does not know comes from the result', async () => {
  const result = { startedAt: '2026-01-02T03:04:05.678Z' };
  const { data } = await pageOf({
    parameters: ['n'],
    rows: [
      { n: 1, gva_total_s: 1 },
      { n: 2, gva_total_s: 1 },
    ],
    files: { 1: { 'result.json': JSON.stringify(result, null, 2) } },
  });
  expect(data.columns.find(({ name }) => name === 'gva_started')).toMatchObject({
    values: [null, Date.parse(result.startedAt)],
  });
});

describe('pictures', () => {
  const ppm = Buffer.concat([Buffer.from('P6\n# made\n2 1\n255\n'), Buffer.from([255, 0, 0, 0, 0, 255])]);
  const sweep: TestSweep = {
    parameters: ['n'],
    rows: [{ n: 1 }, { n: 2 }, { n: 3, gva_state: 'failed' }],
    files: {
      0: { 'output/a/b.ppm': ppm, 'output/.gva/x.ppm': ppm },
      1: { 'output/b.pgm': 'P2 2 2 9\n0 9 9 0', 'output/bad.pgm': 'P5 900 900 255\nshort' },
      2: { 'output/c.ppm': ppm },
    },
  };

  test('of the points that are done are in it, those of Netpbm as PNG', async () => {
    const { data } = await pageOf(sweep);
    expect(data.images.images.map(({ point, path, type }) => [point, path, type])).toEqual([
      [0, 'a/b.ppm', 'image/png'],
      [1, 'b.pgm', 'image/png'],
    ]);
    expect(data.images).toMatchObject({ leftOut: 0, unsearched: 0 });
  });

  test('take no more room than they may, which is said', async () => {
    const { data, page } = await pageOf(sweep, 100);
    expect(data.images).toMatchObject({ leftOut: 1, limit: 100 });
    expect(page).toContain('1 more are not in it');
    expect((await pageOf(sweep, 0)).data.images.images).toEqual([]);
  });

  test('are known by their content', () => {
    expect(imageTypeOf(netpbmToPng(ppm)!)).toBe('image/png');
    expect(imageTypeOf(Buffer.from('<?xml version="1.0"?>\n<svg xmlns="x">'))).toBe('image/svg+xml');
    expect(imageTypeOf(Buffer.from('<html><svg>'))).toBeUndefined();
    for (const text of ['P6 99999 99999 255 ', 'P6 0 1 255 x', 'P6 1 1 65535 xx', 'P6 1 1 255 xx', 'P7'])
      expect(netpbmToPng(Buffer.from(text))).toBeUndefined();
  });
});
