import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSweep } from '../../bench/made-sweep.js';
import { packageRoot } from '../../src/system/package.js';
import { openPage, seriousFindings, startChromium } from '../support/browser.js';
import { temporaryFolder } from '../support/gva.js';
import { finishedStatus } from '../sweep/observe-fixture.js';
import { LiveSweep, failing, jobs, points } from './live-sweep.js';

// One sweep whose guests are played by a script, in a process of its own; gva serve, in another one; and a real Chromium. The
// tests go through the life of the sweep, each from where the one before has left it. With GVA_SCREENSHOTS=1 the pictures of
// docs/live-page.md are made anew.

let browser: Browser;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let sweep: LiveSweep;
let served: Awaited<ReturnType<LiveSweep['serve']>>;
let on: Page;
let troubles: string[];

beforeAll(async () => {
  folder = await temporaryFolder();
  sweep = new LiveSweep(folder.path);
  await sweep.start();
  served = await sweep.serve('./waves');
  browser = await startChromium();
  ({ page: on, troubles } = await open(served.url));
});
afterAll(async () => {
  await browser.close();
  await sweep[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Opens the page; what it asks of its own server is no trouble. */
async function open(url: string, options = {}) {
  const opened = await openPage(browser, url, options);
  await opened.page.getByRole('heading', { level: 1 }).waitFor();
  return opened;
}

const own = () => `request: ${new URL(served.url).origin}/`;
const complaints = () => troubles.filter((text) => !text.startsWith(own()));
const legend = (state: string, page = on) =>
  page.getByRole('group', { name: 'Show only' }).getByRole('button', { name: state });
const count = async (state: string) => Number(/\d+/.exec((await legend(state).textContent()) ?? '')?.[0]);
const grid = () => on.getByRole('application', { name: 'Grid of points' });
/** Plots are not drawn before they come into view. */
async function plotOf(page: Page, name: string | RegExp): Promise<void> {
  await page.locator('#results-title').waitFor();
  await page.locator('#results-title').scrollIntoViewIfNeeded();
  await page.getByRole('img', { name }).waitFor();
}
const console = () => on.getByRole('region', { name: 'Console' });
const lead = () => on.locator('.lead');

test('the token leaves the address, and the points that run are there with their consoles', async () => {
  expect(on.url()).toBe(new URL('/', served.url).href);
  await legend(`${jobs} running`).waitFor();
  expect([await count('done'), await count('pending')]).toEqual([0, points - jobs]);
  await on.getByRole('heading', { name: 'Point 0' }).waitFor();
  await console().getByText('wave 0: <img src=x onerror=alert(1)> tide 3.14').waitFor();
  expect(await on.locator('main img').count()).toBe(0);
  await on.getByRole('progressbar', { name: 'Progress of point 0' }).waitFor();
  expect(await lead().textContent()).toBe('Running');
  expect(complaints()).toEqual([]);
});

test('another console is chosen, and the choice is given back', async () => {
  const [first, second] = [0, 1].map((point) =>
    on.locator('.running-list').getByRole('button', { name: `Point ${point}` }),
  );
  await second!.click();
  await console().getByText('wave 1:').waitFor();
  expect([await first!.getAttribute('aria-pressed'), await second!.getAttribute('aria-pressed')]).toEqual([
    'false',
    'true',
  ]);
  await on.getByRole('button', { name: 'Follow what runs' }).click();
  expect(await on.getByRole('button', { name: 'Follow what runs' }).isVisible()).toBe(false);
});

test('points fill up, failures are told, the plot grows', async () => {
  await sweep.letEnd(14);
  await legend('13 done').waitFor();
  await legend('1 failed').waitFor();
  const failures = on.getByRole('region', { name: 'Not done' });
  await failures.getByText('failed: script 50-autorun ended with status 3').waitFor();
  await plotOf(on, /^13 points: height against x, a line for each mode/);
  await sweep.letEnd(40);
  await legend('39 done').waitFor();
  await on.getByRole('img', { name: /^39 points/ }).waitFor();
  await on.getByRole('img', { name: /^Points that ended per minute in \d/ }).waitFor();
  expect(await on.title()).toBe('41 % · waves');
  expect(complaints()).toEqual([]);
});

test('is used by the keyboard', async () => {
  const canvas = grid();
  await canvas.focus();
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft']) await on.keyboard.press(key);
  await on.getByText('Point 1: done, x = 1, mode = calm').waitFor();
  const before = await canvas.screenshot();
  await on.keyboard.press('End');
  await on.getByText(`Point ${points - 1}: pending`).waitFor();
  expect((await canvas.screenshot()).equals(before)).toBe(false);
  await on.keyboard.press('Home');
  await on.keyboard.press('Enter');
  await on.getByRole('heading', { name: 'Point 0' }).waitFor();
  await console().getByText('wave 0 is over').waitFor();
  expect(await on.evaluate('document.activeElement.textContent')).toBe('Point 0');
  await legend('failed').focus();
  const all = await canvas.screenshot();
  await on.keyboard.press('Space');
  expect(await legend('failed').getAttribute('aria-pressed')).toBe('true');
  await expect.poll(async () => (await canvas.screenshot()).equals(all)).toBe(false);
  await on.keyboard.press('Space');
  expect(complaints()).toEqual([]);
});

test.each(['light', 'dark'] as const)(
  'axe-core finds nothing serious, %s, and on a phone',
  async (colorScheme) => {
    const wide = await open(served.url, { colorScheme, viewport: { width: 1280, height: 900 } });
    await plotOf(wide.page, /height against x/);
    expect(await seriousFindings(wide.page)).toEqual([]);
    await picture(wide.page, colorScheme);
    await wide.page.getByRole('button', { name: 'Cancel sweep' }).click();
    expect(await seriousFindings(wide.page)).toEqual([]);
    const phone = await open(served.url, { colorScheme, viewport: { width: 390, height: 844 } });
    await plotOf(phone.page, /height against x/);
    expect(await phone.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    expect(await seriousFindings(phone.page)).toEqual([]);
    await wide.page.context().close();
    await phone.page.context().close();
  },
);

async function picture(page: Page, name: string): Promise<void> {
  if (process.env['GVA_SCREENSHOTS'] !== '1') return;
  await mkdir(join(packageRoot, 'docs/images'), { recursive: true });
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: join(packageRoot, `docs/images/live-page-${name}.png`), fullPage: true });
}

test('who has no token may only look', async () => {
  const { page } = await open(new URL('/', served.url).href);
  await page.getByText('You may only look.').waitFor();
  await page.getByRole('button', { name: 'Point 4' }).first().waitFor();
  expect(await page.getByRole('button', { name: /Cancel|Retry/ }).count()).toBe(0);
  const status = await page.evaluate(`(async () => {
    const id = document.querySelector('[role=tab]').id.slice(4);
    const headers = { 'content-type': 'application/json', 'x-gva-action': 'cancel' };
    return (await fetch('/sweeps/' + id + '/cancel', { method: 'POST', headers, body: '{"points":"all"}' })).status;
  })()`);
  expect(status).toBe(403);
  await page.context().close();
});

test('a point is cancelled, after a question; what failed is retried', async () => {
  await on.getByRole('button', { name: 'Point 40' }).click();
  const question = on.getByRole('dialog', { name: 'Cancel point 40?' });
  await on.getByRole('button', { name: 'Cancel this point' }).click();
  await question.waitFor();
  expect(await on.evaluate('document.activeElement.textContent')).toBe('Keep it running');
  await on.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  expect(await count('running')).toBe(jobs);
  await on.getByRole('button', { name: 'Cancel this point' }).click();
  await question.getByRole('button', { name: 'Cancel this point' }).click();
  await question.waitFor({ state: 'detached' });
  await legend('1 cancelled').waitFor();

  await sweep.calm();
  await on.getByRole('button', { name: 'Retry failed' }).click();
  const again = on.getByRole('dialog', { name: 'Retry what failed?' });
  await again.getByText('1 point is run again').waitFor();
  await again.getByRole('button', { name: 'Run them again' }).click();
  await again.waitFor({ state: 'detached' });
  await sweep.letEnd(44);
  await legend('0 failed').waitFor();
  await legend('43 done').waitFor();
  await on.locator('canvas.grid').focus();
  await on.keyboard.press('Home');
  for (let point = 0; point < failing; point++) await on.keyboard.press('ArrowRight');
  await on.getByText(`Point ${failing}: done`).waitFor();
  expect(complaints()).toEqual([]);
});

test('several sweeps are tabs, 100,000 points are shown, and hostile words are words', async () => {
  await makeSweep(join(folder.path, 'large'), { points: 100_000, parallel: 200 });
  const counts = { pending: 0, done: 98_000, failed: 1500, lost: 500, active: 0 };
  const words = '</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e';
  const status = { ...finishedStatus, name: words, points: 100_000, counts };
  const failures = [{ index: 3, state: 'failed', cause: words, message: words, attempts: 1 }];
  await writeFile(join(folder.path, 'large/status.json'), JSON.stringify({ ...status, failures }));
  const other = await sweep.serve('./waves', './large');
  const opened = await openPage(browser, other.url);
  const tabs = opened.page.getByRole('tab');
  await tabs.nth(1).waitFor();
  expect(await tabs.nth(0).getAttribute('aria-selected')).toBe('true');
  await tabs.nth(0).focus();
  await opened.page.keyboard.press('ArrowRight');
  expect(await tabs.nth(1).getAttribute('aria-selected')).toBe('true');
  expect(await opened.page.getByRole('heading', { level: 1 }).textContent()).toBe(words);
  await opened.page.locator('canvas.grid[data-points="100,000"]').waitFor();
  await opened.page.getByText('The sweep has finished. 2,000 points are not done.').waitFor();
  const shown = words.replace('\u202e', '\ufffd');
  await opened.page.getByText(`failed: ${shown}`, { exact: true }).waitFor();
  await plotOf(opened.page, /points: .* against p/);
  await opened.page.locator('canvas.grid').focus();
  await opened.page.keyboard.press('End');
  await opened.page.getByText('Point 99999: done').waitFor();
  expect(await seriousFindings(opened.page)).toEqual([]);
  expect(await opened.page.locator('main script, main img').count()).toBe(0);
  expect(
    opened.troubles.filter((text) => !text.startsWith(`request: ${new URL(other.url).origin}/`)),
  ).toEqual([]);
  await opened.page.context().close();
  other.process.kill('SIGINT');
  expect(await once(other.process, 'exit')).toEqual([0, null]);
});

test('the sweep is cancelled, and the page says that it has ended', async () => {
  await on.getByRole('button', { name: 'Cancel sweep' }).click();
  const question = on.getByRole('dialog', { name: 'Cancel the sweep waves?' });
  await question.getByRole('button', { name: 'Cancel the sweep' }).click();
  await question.waitFor({ state: 'detached' });
  await on.getByText('The sweep has stopped: it was cancelled.').waitFor();
  await on.getByText('Nothing runs at the moment.').waitFor();
  expect(await on.title()).toBe('stopped · waves');
  expect(await on.getByRole('button', { name: /Cancel sweep|Retry failed/ }).count()).toBe(0);
  expect(complaints()).toEqual([]);
});

test('when the server ends, it ends well, and the page says so', async () => {
  served.process.kill('SIGINT');
  expect(await once(served.process, 'exit')).toEqual([0, null]);
  await on.getByText('The server has ended; the sweeps go on.').waitFor();
  await on.getByRole('button', { name: 'Try again' }).click();
  await on.getByText('The server does not answer. Trying again…').waitFor();
});
