// node join.mjs SWEEP-FOLDER PNG-FILE: joins the strips of a finished sweep into one picture.
import { rename, rm, writeFile } from 'node:fs/promises';
import { command } from './errors.mjs';
import { joinStrips, paint, readStrips } from './picture.mjs';

const [sweepFolder, pngFile] = process.argv.slice(2);
if (pngFile === undefined) {
  console.error('usage: node join.mjs SWEEP-FOLDER PNG-FILE');
  process.exit(2);
}

await command('join.mjs', async () => {
  const png = paint(joinStrips(await readStrips(sweepFolder)));
  const unfinished = `${pngFile}.${process.pid}.tmp`;
  try {
    await writeFile(unfinished, png);
    await rename(unfinished, pngFile);
  } finally {
    await rm(unfinished, { force: true });
  }
});
