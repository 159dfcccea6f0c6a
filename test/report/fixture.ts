import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { madeManifest } from '../../bench/made-sweep.js';
import { TableBuilder } from '../../src/report/build.js';
import type { CellValue } from '../../src/report/columns.js';
import { pointFolder } from '../../src/system/paths.js';

export type TestRow = Readonly<Record<string, CellValue>>;

/** A table by columns; each row without a state is done. */
export function tableOf(parameters: readonly string[], rows: readonly TestRow[]) {
  const table = new TableBuilder(parameters, rows.length);
  for (const [index, row] of rows.entries()) table.add({ gva_point: index, gva_state: 'done', ...row });
  return table.finish();
}

export interface TestSweep {
  readonly parameters: readonly string[];
  readonly rows: readonly TestRow[];
  /** Files of points: number of the point, then path below its folder. */
  readonly files?: Readonly<Record<number, Readonly<Record<string, string | Uint8Array>>>>;
  readonly manifest?: object;
}

/** Writes the folder of a sweep that has ended. */
export async function writeTestSweep(
  folder: string,
  { parameters, rows, files = {}, manifest = {} }: TestSweep,
): Promise<string> {
  const write = async (path: string, content: string | Uint8Array) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  };
  const described = { ...madeManifest(rows.length), parameters, ...manifest };
  await write(join(folder, 'sweep.json'), JSON.stringify(described));
  const lines = rows.map((row, index) =>
    JSON.stringify({ gva_point: index, gva_state: 'done', gva_folder: pointFolder('', index), ...row }),
  );
  await write(join(folder, 'results.jsonl'), `${lines.join('\n')}\n`);
  for (const [point, contents] of Object.entries(files))
    for (const [path, content] of Object.entries(contents))
      await write(join(pointFolder(folder, Number(point)), path), content);
  return folder;
}

/** A sweep whose guest tries to get out of every place where a report shows its words. */
export const hostile: TestSweep = {
  parameters: ['n', 'word'],
  rows: [
    {
      n: 1,
      word: '</script><script>alert(1)</script>',
      note: '=HYPERLINK("http://evil.example","x")',
      area: 1,
    },
    { n: 2, word: '<img src=x onerror=alert(2)>', note: '<b>"&\' \u202egnp.exe', area: 4, '<i>name': 'x' },
    {
      ...{ n: 3, word: '\u001b[31mred', gva_state: 'failed', gva_cause: 'script-status', gva_status: 3 },
      gva_total_s: 2,
    },
    {
      n: 4,
      word: '--><style>*{display:none}</style>',
      note: '@SUM(A1)',
      area: 16,
      __proto__: null,
      toString: 7,
    },
  ],
  files: {
    2: {
      'result.json': JSON.stringify({
        ...{
          message: '</script><script>alert(3)</script>',
          host: '<u>node',
          startedAt: '2026-01-02T03:04:05.000Z',
        },
        scripts: [{ name: 'a', status: 3 }],
      }),
      'console.log': 'one\r\n\u001b]0;title\u0007</pre><script>alert(4)</script>\r\n',
      'output/.gva/a.stderr': '<svg onload=alert(5)>\n',
    },
    0: {
      'output/evil.svg':
        '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(6)"><script>alert(7)</script></svg>',
      'output/"><script>alert(8)<.png': Buffer.from('89504e470d0a1a0a', 'hex'),
      'output/no.png': 'not a picture',
    },
  },
  manifest: {
    plan: {
      file: '/x/</title><script>alert(9)</script>',
      text: '</textarea></pre><script>alert(10)</script>',
    },
  },
};
