import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/system/package.js';

/** Leaves beside `path` what a process leaves that is killed before it can publish it. */
export function leaveBeside(path: string): void {
  // Of the build: Node.js does not run TypeScript.
  const module = pathToFileURL(join(packageRoot, 'dist/src/system/temporary.js')).href;
  const script = `import { writeFileSync } from 'node:fs';
    import { temporarySibling } from ${JSON.stringify(module)};
    writeFileSync(temporarySibling(${JSON.stringify(path)}), '');`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script]);
}
