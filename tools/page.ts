import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { packageRoot } from '../src/system/package.js';

/** A page of the documentation of which a part is made of the code, or of what was measured. */
export interface GeneratedPage {
  /** Relative to this package. */
  readonly file: string;
  /** Name in the marks around the part; without it, the part is all below the one mark. */
  readonly part?: string;
  /** Markdown of the part. */
  readonly text: () => Promise<string>;
}

const mark = /^<!-- From here on .* -->\n/m;

/** What the page says, and what it should say. */
export async function comparePage({
  file,
  part,
  text,
}: GeneratedPage): Promise<{ is: string; should: string }> {
  const path = join(packageRoot, file);
  const is = await readFile(path, 'utf8');
  const [before, after] = around(is, file, part);
  const config = await resolveConfig(path);
  const should = await format(`${before}\n${await text()}\n${after}`, { ...config, parser: 'markdown' });
  return { is, should };
}

/** What stands before the part and after it, with the marks. */
function around(page: string, file: string, part: string | undefined): [before: string, after: string] {
  const begin = part === undefined ? mark : new RegExp(`^<!-- ${part}: .* -->\\n`, 'm');
  const found = begin.exec(page);
  const after = part === undefined ? page.length : page.indexOf(`<!-- end of ${part} -->`);
  if (!found || after < 0) throw new Error(`${file} has no mark${part === undefined ? '' : ` of ${part}`}`);
  return [page.slice(0, found.index + found[0].length), part === undefined ? '' : `\n${page.slice(after)}`];
}

export async function updatePage(page: GeneratedPage): Promise<void> {
  const { is, should } = await comparePage(page);
  if (is !== should) await writeFile(join(packageRoot, page.file), should);
}
