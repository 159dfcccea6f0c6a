import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What came with GVA itself: where it is installed, and what lies there. What GVA keeps is in paths.ts. */

/** The root of this package: where guest/ and package.json are, from the sources and from the build alike. */
export const packageRoot = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/** The program itself; `gva.mjs` in a folder that `npm run bundle` made. */
export const gvaProgram = (() => {
  const bundle = join(packageRoot, 'gva.mjs');
  return existsSync(bundle) ? bundle : join(packageRoot, 'bin/gva');
})();

/** What pages have in them, made by the build from src/report/page/. */
export const pageFiles = {
  script: join(packageRoot, 'dist/page/report.js'),
  live: join(packageRoot, 'dist/page/live.js'),
  liveStyle: join(packageRoot, 'dist/page/live.css'),
  style: join(packageRoot, 'dist/page/style.css'),
} as const;

export const guestFile = (name: string) => join(packageRoot, 'guest', name);

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
