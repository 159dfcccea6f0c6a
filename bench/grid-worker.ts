import { join } from 'node:path';
import { runWorker } from '../src/grid/worker/run-worker.js';
import { gridFiles } from '../src/system/paths.js';
import { FakeDriver } from '../src/vmm/fake/driver.js';

// grid-worker.js CHUNK CACHES: the worker of a grid's node, with instances that end at once. The nodes of a test cluster share
// their files: each gets a cache of its own below CACHES.

const [chunk = '', caches = ''] = process.argv.slice(2);
process.env['GVA_NODE_CACHE'] = join(caches, process.env['GVA_NODE'] ?? '');
process.exitCode = await runWorker({
  spec: join(chunk, gridFiles.element(Number(process.env['GVA_ELEMENT']))),
  driversOf: () => new Map([['fake', new FakeDriver()]]),
  signal: new AbortController().signal,
  log: (message) => console.error(message),
});
