import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/system/package.js';
import { chartFile, growthChart, growthPage, growths } from './growth-charts.js';
import { jsonPage, schemasFile, schemasText } from './json-page.js';
import { libraryPage } from './library-page.js';
import { longResultsPart } from './long-results.js';
import { updatePage } from './page.js';
import { performancePage } from './performance-page.js';
import { resultsPages } from './results-pages.js';

// npm run docs: brings the pages up to date that are made of the code, or of the results of benchmarks.

/** Pages of which a part is made. */
export const pages = [libraryPage, jsonPage, performancePage, ...resultsPages, growthPage, longResultsPart];

if (process.argv[1]?.endsWith('docs.js')) {
  for (const page of pages) await updatePage(page);
  await writeFile(join(packageRoot, schemasFile), schemasText());
  for (const each of await growths()) await writeFile(join(packageRoot, chartFile(each)), growthChart(each));
}
