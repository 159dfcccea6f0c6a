import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { parseCsv } from './csv.mjs';
import { ResultsError } from './errors.mjs';

export const width = 1600;
export const height = 800;
/** A point that needs so many iterations, or more, is taken for one of the set. */
export const maxIterations = 100;

/**
 * The strips of a finished sweep, by their first row.
 *
 * @returns {Promise<import('./picture.mjs').Strip[]>}
 * @throws ResultsError where a strip is not done or is not what its parameters say
 */
export async function readStrips(sweepFolder) {
  const table = join(sweepFolder, 'results.csv');
  const text = await readFile(table, 'utf8').catch((error) => {
    throw new ResultsError(`there are no results of a sweep in ${sweepFolder}: ${error.message}`);
  });
  const strips = await Promise.all(parseCsv(text).map((row) => readStrip(row, sweepFolder)));
  return strips.sort((a, b) => a.first - b.first);
}

async function readStrip(row, sweepFolder) {
  const [first, count] = [Number(row.first), Number(row.count)];
  const folder = join(sweepFolder, row.gva_folder);
  if (row.gva_state !== 'done') {
    const why = row.gva_cause === '' ? '' : ` (${row.gva_cause})`;
    throw new ResultsError(`${rows(first, first + count)} not done: the instance is ${row.gva_state}${why}`);
  }
  const file = join(folder, 'output/rows.bin');
  const counts = await readFile(file).catch((error) => {
    throw new ResultsError(`${file} cannot be read: ${error.message}`);
  });
  if (counts.length !== width * count)
    throw new ResultsError(
      `${file} has ${counts.length} bytes; ${count} rows of ${width} points are ${width * count}`,
    );
  return { first, count, counts, folder, row };
}

/**
 * The iteration counts of the whole picture, row by row, from strips that are in order.
 *
 * @throws ResultsError where rows are missing or come twice
 */
export function joinStrips(strips) {
  let next = 0;
  for (const { first, count } of strips) {
    if (first > next) throw new ResultsError(`${rows(next, first)} missing`);
    if (first < next) throw new ResultsError(`${rows(first, Math.min(next, first + count))} there twice`);
    next = first + count;
  }
  if (next < height) throw new ResultsError(`${rows(next, height)} missing`);
  if (next > height) throw new ResultsError(`the picture has ${height} rows, the strips have ${next}`);
  return Buffer.concat(strips.map(({ counts }) => counts));
}

const rows = (from, to) => (to - from === 1 ? `row ${from} is` : `rows ${from} to ${to - 1} are`);

/** A PNG of iteration counts. */
export function paint(counts) {
  const colours = Array.from({ length: 256 }, (_, count) => [...colourOf(count), 255]);
  const png = new PNG({ width, height });
  for (const [index, count] of counts.entries()) png.data.set(colours[count], 4 * index);
  return PNG.sync.write(png, { colorType: 2 });
}

/** From far outside to the edge of the set. */
const gradient = [
  { at: 0, colour: [6, 12, 64] },
  { at: 0.25, colour: [20, 76, 168] },
  { at: 0.42, colour: [86, 178, 230] },
  { at: 0.58, colour: [244, 250, 232] },
  { at: 0.74, colour: [255, 184, 30] },
  { at: 0.88, colour: [170, 50, 12] },
  { at: 1, colour: [60, 4, 30] },
];

/** Red, green and blue, each 0..255, of an iteration count; the set is black. */
export function colourOf(count) {
  if (count >= maxIterations) return [0, 0, 0];
  // The bands of one count are wide outside and narrow inside: the logarithm evens them out.
  const at = Math.log((Math.max(count, 1) + 3) / 4) / Math.log((maxIterations + 3) / 4);
  const index = gradient.findIndex((stop) => stop.at > at);
  const [from, to] = [gradient[index - 1], gradient[index]];
  const part = (at - from.at) / (to.at - from.at);
  return from.colour.map((value, channel) => Math.round(value + part * (to.colour[channel] - value)));
}
