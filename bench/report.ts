import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { type Benchmark, type Figure, timed } from './benchmark.js';
import { packageRoot } from '../src/system/package.js';
import { execute, inTemporaryFolder } from './gva.js';
import { makeSweep } from './made-sweep.js';

const points = 50_000;
const rounds = 5;

/** What a report of many points costs, and how soon Debian's Chromium has opened it, all of its parts filled. */
export const report: Benchmark = {
  name: 'report',
  title: `the report of a sweep of ${points} points, 256 at once, opened by Chromium from a file`,
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const [sweep, page] = [join(folder, 'sweep'), join(folder, 'report.html')];
  await makeSweep(sweep, { points, parallel: 256, folders: 2000 });
  const made = await timed(() =>
    execute(process.execPath, [join(packageRoot, 'bin/gva'), 'report', sweep, '-o', page]),
  );
  const opened = [];
  const sorted = [];
  for (let round = 0; round < rounds; round++) {
    const figures = await open(`file://${page}`);
    opened.push(figures.opened);
    sorted.push(figures.sorted);
  }
  return [
    { what: 'gva report', unit: 's', samples: [made] },
    { what: 'size of the page', unit: 'MB', samples: [(await stat(page)).size / 1e6] },
    { what: 'from the address to all parts filled', unit: 's', samples: opened, target: 3 },
    { what: 'sorting the table, until it is drawn', unit: 's', samples: sorted, target: 0.5 },
  ];
}

/** A browser of its own for each: nothing is compiled or cached before. */
async function open(address: string): Promise<{ opened: number; sorted: number }> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage();
    const opened = await timed(async () => {
      await page.goto(address);
      await page.waitForSelector('html[data-ready]');
    });
    const sorted = await timed(async () => {
      await page.locator('.table thead button').nth(4).click();
      await page.waitForSelector('.table [aria-sort=ascending]');
    });
    return { opened, sorted };
  } finally {
    await browser.close();
  }
}
