import { cellText, columnNamed } from '../../report/columns.js';
import type { ReportTable } from '../../report/build.js';
import type { ImageReport, ReportImage } from '../../report/data.js';
import { imageTypeOf, mayBeImage, netpbmToPng } from '../../report/images.js';
import { listKept } from '../../sweep/results/kept-list.js';
import { readKeptHead } from '../../sweep/results/kept.js';
import { pointFolder } from '../../system/paths.js';

/** Points that are searched; of more, some evenly among all. */
const mostPoints = 1000;
/** Pictures of one point. */
const mostOfPoint = 8;

/**
 * Pictures among the outputs of the points that are done, as long as they fit. A first look at a few points says whether
 * there are any: most sweeps leave none.
 *
 * @param limit bytes of all of them
 */
export async function findImages(
  sweep: string,
  table: ReportTable,
  limit: number,
  signal: AbortSignal,
): Promise<ImageReport> {
  const done = doneRows(table);
  const none = { images: [], leftOut: 0, unsearched: 0, limit };
  if (limit === 0 || !(await anyImage(sweep, table, spread(done, 16)))) return none;
  const searched = spread(done, mostPoints);
  const images: ReportImage[] = [];
  let [bytes, leftOut] = [0, 0];
  for (const row of searched) {
    signal.throwIfAborted();
    const point = pointOf(table, row);
    const folder = pointFolder(sweep, point);
    const paths = await imagesIn(folder);
    leftOut += Math.max(0, paths.length - mostOfPoint);
    for (const path of paths.slice(0, mostOfPoint)) {
      const image = await readImage(folder, path, limit - bytes);
      if (image === 'too-big') leftOut++;
      if (typeof image === 'string') continue;
      bytes += image.data.length;
      images.push({
        ...{ point, row, path: path.toWellFormed(), type: image.type, bytes: image.data.length },
        data: image.data.toString('base64'),
      });
    }
  }
  return { images, leftOut, unsearched: done.length - searched.length, limit };
}

function doneRows({ columns, rows }: ReportTable): number[] {
  const state = columnNamed(columns, 'gva_state');
  const all = Array.from({ length: rows }, (_, row) => row);
  return all.filter((row) => state !== undefined && cellText(state, row) === 'done');
}

const pointOf = ({ columns }: ReportTable, row: number) => {
  const column = columnNamed(columns, 'gva_point');
  return column ? Number(cellText(column, row)) : row;
};

/** So many of them at most, evenly from the first to the last. */
function spread(rows: readonly number[], most: number): readonly number[] {
  if (rows.length <= most) return rows;
  const step = (rows.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => rows[Math.round(index * step)] ?? 0);
}

async function anyImage(sweep: string, table: ReportTable, rows: readonly number[]): Promise<boolean> {
  for (const row of rows)
    if ((await imagesIn(pointFolder(sweep, pointOf(table, row)))).length > 0) return true;
  return false;
}

const imagesIn = async (folder: string) => (await listKept(folder).catch(() => [])).filter(mayBeImage);

async function readImage(
  folder: string,
  path: string,
  room: number,
): Promise<(Pick<ReportImage, 'type'> & { data: Buffer }) | 'too-big' | 'none'> {
  const most = Math.max(room, 1 << 20);
  const file = await readKeptHead(folder, path, most + 1).catch(() => undefined);
  if (!file || file.length > most) return file ? 'too-big' : 'none';
  const data = netpbmToPng(file) ?? file;
  const type = imageTypeOf(data);
  if (type === undefined) return 'none';
  return data.length > room ? 'too-big' : { type, data };
}
