import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSweep } from '../../bench/made-sweep.js';
import { packageRoot } from '../../src/system/package.js';
import { openPage, seriousFindings, startChromium } from '../support/browser.js';
import { gva, temporaryFolder } from '../support/gva.js';
import { hostile, writeTestSweep } from './fixture.js';

// The pages as gva writes them, in a real Chromium. With GVA_SCREENSHOTS=1 the pictures of the documentation are made anew.

let browser: Browser;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let page: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  await makeSweep(join(folder.path, 'percolation'), { points: 984, parallel: 24, folders: 984, picture: 48 });
  page = await report('percolation');
  browser = await startChromium();
});
afterAll(async () => {
  await browser.close();
  await folder[Symbol.asyncDispose]();
});

/** Has gva write the page. @returns its address */
async function report(name: string): Promise<string> {
  const { code, stderr } = await gva(['report', `./${name}`, '-o', `${name}.html`], {}, folder.path);
  expect([code, stderr]).toEqual([0, '']);
  return `file://${join(folder.path, `${name}.html`)}`;
}

async function openReport(address: string, options = {}) {
  const opened = await openPage(browser, address, options);
  await opened.page.waitForSelector('html[data-ready]');
  return opened;
}

const rowsShown = (on: Page) => on.locator('.table tbody tr[data-row]');
const firstCells = (on: Page, column: number) =>
  rowsShown(on).locator(`td:nth-child(${column})`).allTextContents();

/** Until what was asked for is drawn. */
const twoFrames = (on: Page) =>
  on.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))');

describe('the page of 984 points', () => {
  test('opens without a complaint, and shows all its parts', async () => {
    const { page: on, troubles } = await openReport(page);
    for (const part of ['overview', 'failures', 'timeline', 'durations', 'plots', 'images', 'table'])
      expect(await on.locator(`#${part}`).isVisible(), part).toBe(true);
    await on.locator('#plots').scrollIntoViewIfNeeded();
    await on.locator('#plots canvas[aria-label]').waitFor();
    expect(await on.locator('#plots canvas').getAttribute('aria-label')).toBe(
      '975 points: largest against p, a line for each size',
    );
    expect(troubles).toEqual([]);
    await on.context().close();
  });

  test('sorts, filters, and saves what is chosen', async () => {
    const { page: on, troubles } = await openReport(page);
    const head = on.locator('.table thead');
    expect(await firstCells(on, 1)).toContain('0');
    await head.getByRole('button', { name: 'clusters' }).click();
    await head.getByRole('button', { name: 'clusters' }).click();
    expect(await head.locator('[aria-sort=descending]').textContent()).toContain('clusters');
    const clusters = (await firstCells(on, 7)).map(Number);
    expect(clusters.length).toBeGreaterThan(10);
    expect(clusters).toEqual(clusters.toSorted((a, b) => b - a));

    await on.getByRole('searchbox', { name: 'Filter' }).fill('size=128 state=failed');
    await on.getByText('7 of 984 rows').waitFor();
    expect(await firstCells(on, 5)).toEqual(new Array(7).fill('failed'));
    const downloading = on.waitForEvent('download');
    await on.getByRole('button', { name: 'Download CSV' }).click();
    const saved = await readFile(await (await downloading).path(), 'utf8');
    const lines = saved.trimEnd().split('\r\n');
    expect(lines).toHaveLength(8);
    expect(lines[0]).toMatch(/^gva_point,size,p,seed,gva_state,gva_cause,gva_status,/);
    expect(lines.slice(1).every((line) => line.includes(',failed,script-status,3,'))).toBe(true);

    await on.getByRole('searchbox', { name: 'Filter' }).fill('nosuch>1');
    await on.getByText('There is no column nosuch.').waitFor();
    await on.getByRole('button', { name: 'Clear' }).click();
    await on.getByText('984 rows', { exact: true }).waitFor();
    expect(troubles).toEqual([]);
    await on.context().close();
  });

  test('has only the rows in it that are seen, also at the end', async () => {
    const { page: on } = await openReport(page);
    expect(await rowsShown(on).count()).toBeLessThan(60);
    await on.locator('.table').press('End');
    await on.getByRole('button', { name: '983', exact: true }).waitFor();
    await on.context().close();
  });

  test('is used by the keyboard: a point is opened and closed, the timeline zoomed', async () => {
    const { page: on, troubles } = await openReport(page);
    await on.locator('.table tbody button').first().focus();
    await on.keyboard.press('Enter');
    const dialog = on.getByRole('dialog', { name: 'Point 0' });
    await dialog.waitFor();
    expect(await dialog.locator('dd').allTextContents()).toContain('done');
    expect(await dialog.locator('img').count()).toBe(1);
    await on.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await on.locator('#timeline').scrollIntoViewIfNeeded();
    const lanes = on.locator('canvas.lanes');
    await lanes.focus();
    const before = await lanes.screenshot();
    await on.keyboard.press('+');
    await twoFrames(on);
    expect((await lanes.screenshot()).equals(before)).toBe(false);
    expect(troubles).toEqual([]);
    await on.context().close();
  });

  test('leads from a failure to its point', async () => {
    const { page: on } = await openReport(page);
    await on.locator('#failures a.point').first().click();
    await on.getByRole('dialog', { name: 'Point 39' }).waitFor();
    await on.context().close();
  });

  test('plots any column against any other, and saves the plot', async () => {
    const { page: on, troubles } = await openReport(page);
    const plots = on.locator('#plots');
    for (const kind of ['Scatter', 'Heat map', 'Distribution', 'Lines']) {
      await plots.getByRole('combobox', { name: 'Kind' }).selectOption(kind);
      await twoFrames(on);
      expect(await plots.locator('canvas').isVisible(), kind).toBe(true);
    }
    await plots.getByRole('combobox', { name: 'Y' }).selectOption('clusters');
    const downloading = on.waitForEvent('download');
    await plots.getByRole('button', { name: 'Save as SVG' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('clusters-p.svg');
    expect(await readFile(await download.path(), 'utf8')).toMatch(
      /^<svg xmlns=.*\n<title>975 points: clusters against p/,
    );
    expect(troubles).toEqual([]);
    await on.context().close();
  });

  test.each(['light', 'dark'] as const)(
    'axe-core finds nothing serious, %s, and on a phone',
    async (colorScheme) => {
      const { page: on } = await openReport(page, { colorScheme });
      expect(await seriousFindings(on)).toEqual([]);
      await on.locator('.table tbody button').first().click();
      expect(await seriousFindings(on)).toEqual([]);
      const phone = await openReport(page, { colorScheme, viewport: { width: 390, height: 844 } });
      expect(await phone.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
      expect(await seriousFindings(phone.page)).toEqual([]);
      await on.context().close();
      await phone.page.context().close();
    },
  );

  test('says totals and failures without a script', async () => {
    const { page: on, troubles } = await openPage(browser, page, { javaScriptEnabled: false });
    expect(await on.locator('#overview').innerText()).toContain('99.1 %');
    expect(await on.locator('#failures').innerText()).toContain('cannot allocate 268435456 bytes');
    expect(await on.locator('#timeline svg').isVisible()).toBe(true);
    expect(troubles).toEqual([]);
    await on.context().close();
  });
});

test('a hostile sweep runs nothing, and its words are seen as they are', async () => {
  await writeTestSweep(join(folder.path, 'hostile'), hostile);
  const { page: on, troubles } = await openReport(await report('hostile'));
  expect(await rowsShown(on).count()).toBe(4);
  expect(await on.locator('.table').innerText()).toContain('</script><script>alert(1)</script>');
  await on.locator('.table tbody button').first().click();
  await on.getByRole('dialog').waitFor();
  await on.locator('#images').scrollIntoViewIfNeeded();
  expect(troubles.filter((trouble) => !trouble.includes('image'))).toEqual([]);
  await on.context().close();
});

/** Pictures for docs/images/. */
test.runIf(process.env['GVA_SCREENSHOTS'] === '1')('the pictures of the documentation', async () => {
  const images = join(packageRoot, 'docs/images');
  await mkdir(images, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    const size = { width: 1180, height: 900 };
    const { page: on } = await openReport(page, { colorScheme, viewport: size });
    const shoot = async (name: string, part: string) => {
      await on.locator(part).scrollIntoViewIfNeeded();
      await on.waitForTimeout(500);
      await on.locator(part).screenshot({ path: join(images, `report-${name}-${colorScheme}.png`) });
    };
    await on.screenshot({ path: join(images, `report-${colorScheme}.png`) });
    const parts = colorScheme === 'light' ? ['timeline', 'plots', 'images'] : ['plots'];
    for (const part of parts) await shoot(part, `#${part}`);
    await on.context().close();
  }
});
