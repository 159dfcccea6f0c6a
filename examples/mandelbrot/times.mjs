// node times.mjs SWEEP-FOLDER PROGRAM SCRATCH-FOLDER: where the time of a finished sweep went, and how long
// PROGRAM takes for the same strips without a virtual machine; it writes into SCRATCH-FOLDER.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { ResultsError, command } from './errors.mjs';
import { readStrips } from './picture.mjs';

const [sweepFolder, program, scratchFolder] = process.argv.slice(2);
if (scratchFolder === undefined) {
  console.error('usage: node times.mjs SWEEP-FOLDER PROGRAM SCRATCH-FOLDER');
  process.exit(2);
}

/** Titles of the table, and where a point has the seconds. */
const columns = [
  ['boot', 'gva_boot_s'],
  ['application', 'gva_script_s'],
  ['shutdown', 'gva_shutdown_s'],
  ['everything else', 'gva_other_s'],
  ['total', 'gva_total_s'],
  ['native', 'native'],
];

await command('times.mjs', async () => {
  const strips = await readStrips(sweepFolder);
  const points = strips.map((strip) => ({
    ...strip.row,
    strip,
    result: JSON.parse(readFileSync(join(strip.folder, 'result.json'), 'utf8')),
    native: timeNatively(strip),
  }));
  printTable(points);
  printComparison(points);
});

/** Seconds that the program takes for a strip; its rows must be those that came from the guest. */
function timeNatively({ first, count, counts }) {
  const file = join(scratchFolder, 'rows.bin');
  const start = performance.now();
  const { status, error } = spawnSync(program, [first, count, file].map(String), { stdio: 'inherit' });
  const seconds = (performance.now() - start) / 1000;
  if (error) throw error;
  if (status !== 0) throw new ResultsError(`${program} ended with status ${status}`);
  if (!readFileSync(file).equals(counts))
    throw new ResultsError(`the guest's rows from ${first} on are not those that ${program} computes here`);
  return seconds;
}

function printTable(points) {
  const line = (title, cells) =>
    console.log(title.padEnd(12) + columns.map(([name], i) => cells[i].padStart(name.length + 3)).join(''));
  const seconds = (valueOf) => columns.map(([, column]) => valueOf(column).toFixed(3));
  const { vmm } = points[0].result;

  console.log(`Seconds in ${points.length} virtual machines, ${atATime(points)} at a time:`);
  console.log(`${vmm.name} ${vmm.version} (${vmm.accelerator})\n`);
  const titles = columns.map(([title]) => title);
  line('rows', titles);
  for (const point of points) {
    const { first, count } = point.strip;
    line(
      `${first}-${first + count - 1}`,
      seconds((column) => Number(point[column])),
    );
  }
  line(
    'mean',
    seconds((column) => sum(points, column) / points.length),
  );
}

function printComparison(points) {
  const line = (title, seconds) => console.log(`${title.padEnd(62)}${seconds.toFixed(3).padStart(8)} s`);
  const spans = points.map(spanOf);
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.end));
  console.log();
  line('native: the same program here, one strip after another', sum(points, 'native'));
  line('application: all virtual machines together', sum(points, 'gva_script_s'));
  line('the whole sweep, from the first start to the last result', (end - start) / 1000);
  console.log('The rows from the virtual machines and the native ones are the same, byte for byte.');
}

function sum(points, column) {
  return points.reduce((seconds, point) => seconds + Number(point[column]), 0);
}

/** Start and end of an instance in milliseconds since the epoch. */
function spanOf({ result }) {
  const start = Date.parse(result.startedAt);
  return { start, end: start + result.times.collected * 1000 };
}

/** The largest number of instances that were there at the same time. */
function atATime(points) {
  const spans = points.map(spanOf);
  return Math.max(...spans.map(({ start }) => spans.filter((o) => o.start <= start && o.end > start).length));
}
