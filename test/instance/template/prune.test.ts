import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { templatesFolder } from '../../../src/system/paths.js';
import { temporarySibling } from '../../../src/system/temporary.js';
import { TemplateDriver } from '../../support/template-driver.js';
import { newProcess, run, templates, useHomes } from './runs.js';

useHomes();

describe('templates are removed', () => {
  const day = 24 * 3600;
  async function leave(name: string, daysAgo: number, bytes = 1 << 20): Promise<string> {
    const folder = join(templatesFolder(), name.repeat(64));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'memory'), Buffer.alloc(bytes, 1));
    await writeFile(join(folder, 'template.json'), '{}');
    const then = Date.now() / 1000 - daysAgo * day;
    await utimes(join(folder, 'template.json'), then, then);
    return folder;
  }

  it('that nobody has used for a month, and those that killed processes left', async () => {
    const [old, young] = [await leave('a', 31), await leave('b', 29)];
    const left = join(templatesFolder(), `.${'c'.repeat(64)}.0123456789ab.tmp`);
    await mkdir(left);
    await utimes(left, 1, 1);
    await run(new TemplateDriver(), { choice: 'warm' });
    expect([old, young, left].map(existsSync)).toEqual([false, true, false]);
  });

  it('but never what a living process makes, whatever the time of day is', async () => {
    const made = temporarySibling(join(templatesFolder(), 'c'.repeat(64)));
    await mkdir(made, { recursive: true });
    await utimes(made, 1, 1);
    await run(new TemplateDriver(), { choice: 'warm' });
    expect(existsSync(made)).toBe(true);
  });

  it('when all take more than they may, the longest unused first; never the new one', async () => {
    const all = [await leave('a', 3), await leave('b', 1), await leave('c', 2)];
    vi.stubEnv('GVA_TEMPLATE_CACHE', '2500K');
    await run(new TemplateDriver(), { choice: 'warm' });
    expect(all.map(existsSync)).toEqual([false, true, true]);
    vi.stubEnv('GVA_TEMPLATE_CACHE', '1');
    const driver = new TemplateDriver();
    driver.facts = { other: '1' };
    await run(driver, { choice: 'warm' });
    expect(all.map(existsSync)).toEqual([false, false, false]);
    expect(await templates()).toHaveLength(1);
    vi.stubEnv('GVA_TEMPLATE_CACHE', 'much');
    expect(() => newProcess()).toThrow('no size');
  });
});
