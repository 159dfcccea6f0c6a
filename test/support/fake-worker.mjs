// node fake-worker.mjs SPEC: the worker of a grid's node, in a process that a test may kill. Guests are played by the
// shell script in FAKE_GUEST. Of the build: Node.js does not run TypeScript.
import { actAsJob } from '../../dist/src/cli/action.js';
import { runWorker } from '../../dist/src/grid/worker/run-worker.js';
import { FakeDriver } from '../../dist/src/vmm/fake/driver.js';

const script = process.env['FAKE_GUEST'];
const driver = new FakeDriver(script === undefined ? {} : { script });
if (process.env['FAKE_MISSING'] !== undefined)
  driver.probe = () =>
    Promise.resolve({ available: false, reason: 'it is not installed', hint: 'Install it.' });
await actAsJob((signal) =>
  runWorker({
    spec: process.argv[2],
    driversOf: () => new Map([['fake', driver]]),
    signal,
    log: (message) => console.error(message),
    patience: Number(process.env['FAKE_PATIENCE'] ?? 0),
  }),
);
