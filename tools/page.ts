import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { packageRoot } from '../src/system/paths.js';

/** A page of the documentation whose end is made of the code. */
export interface GeneratedPage {
  /** Relative to this package. */
  readonly file: string;
  /** Markdown of what stands below the mark. */
  readonly end: () => Promise<string>;
}

const mark = /^<!-- From here on .* -->\n/m;

/** What the page says, and what it should say. */
export async function comparePage({ file, end }: GeneratedPage): Promise<{ is: string; should: string }> {
  const path = join(packageRoot, file);
  const is = await readFile(path, 'utf8');
  const found = mark.exec(is);
  if (!found) throw new Error(`${file} has no mark`);
  const text = `${is.slice(0, found.index)}${found[0]}\n${await end()}`;
  const config = await resolveConfig(path);
  return { is, should: await format(text, { ...config, parser: 'markdown' }) };
}

export async function updatePage(page: GeneratedPage): Promise<void> {
  const { is, should } = await comparePage(page);
  if (is !== should) await writeFile(join(packageRoot, page.file), should);
}
