// node fake-worker.mjs SPEC: the worker of a grid's node, in a process that a test may kill. SPEC may be a chunk's folder, as
// for gva run --spec. Guests are played by the
// shell script in FAKE_GUEST. Of the build: Node.js does not run TypeScript.
import { join } from 'node:path';
import { actAsJob } from '../../dist/src/cli/action.js';
import { runWorker } from '../../dist/src/grid/worker/run-worker.js';
import { gridFiles } from '../../dist/src/system/paths.js';
import { FakeDriver } from '../../dist/src/vmm/fake/driver.js';

const [given] = process.argv.slice(2);
const spec = given.endsWith('.json')
  ? given
  : join(given, gridFiles.element(Number(process.env['GVA_ELEMENT'])));
const script = process.env['FAKE_GUEST'];
const driver = new FakeDriver(script === undefined ? {} : { script });
if (process.env['FAKE_MISSING'] !== undefined)
  driver.probe = () =>
    Promise.resolve({ available: false, reason: 'it is not installed', hint: 'Install it.' });
await actAsJob((signal) =>
  runWorker({
    spec,
    driversOf: () => new Map([['fake', driver]]),
    signal,
    log: (message) => console.error(message),
    patience: Number(process.env['FAKE_PATIENCE'] ?? 0),
  }),
);
