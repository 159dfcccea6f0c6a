import { type Command, Option } from 'commander';
import type { PlotKind } from '../../report/chart/plot.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act } from '../action.js';

export interface ReportOptions {
  output?: string;
  force?: boolean;
  json?: boolean;
  images: string;
  svg?: string;
  kind?: PlotKind;
  x?: string;
  y?: string;
  colour?: string;
  logX?: boolean;
  logY?: boolean;
  size: string;
}

/** As `plotKinds` of the charts, which are loaded only where they are needed. */
const kinds: readonly PlotKind[] = ['lines', 'scatter', 'heat', 'histogram'];

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .argument('<sweep>', 'folder or name of a sweep')
    .description('write what came of a sweep as one page that opens anywhere, or its plots')
    .option('-o, --output <file>', 'the page (default: NAME.html, with the name of the sweep)')
    .option('--force', 'replace the file')
    .option('--images <size>', 'take in pictures of the outputs up to this size in all; 0 for none', '16M')
    .option('--svg <file>', 'write a plot for a paper instead of the page')
    .option('--x <column>', 'of the plot: what is across, a parameter or any other column')
    .option('--y <column>', 'of the plot: what is upwards; what a histogram is of')
    .option('--colour <column>', 'of the plot: what makes series; the value of a heat map')
    .addOption(new Option('--kind <kind>', 'of the plot').choices(kinds))
    .option('--log-x', 'of the plot: a logarithmic axis')
    .option('--log-y', 'of the plot: a logarithmic axis')
    .option('--size <width>x<height>', 'of the plot, in pixels of 1/96 inch', '640x400')
    .option('--json', 'print the data of the report as one JSON document; the page is written only with -o')
    .addHelpText('after', examples)
    .action((name: string, options: ReportOptions) =>
      act(options.json ?? false, (signal) => report(name, options, signal)),
    );
}

const examples = `
Examples:
  gva report squares                           the page: squares.html
  gva report squares -o report.html --force
  gva report squares --svg area.svg --x n --y area
  gva report squares --svg map.svg --kind heat --x n --y m --colour area
  gva report squares --json | jq '.failures.groups[] | {cause, count}'

It may be made at any time, also while the sweep runs. The page has all it needs in it and loads nothing.
Exit status: 0 it was written; 2 there is no such sweep, or the file exists; 69 the sweep has no table yet, cannot be read,
or the file cannot be written.`;

async function report(name: string, options: ReportOptions, signal: AbortSignal): Promise<ExitCode> {
  const { output, force = false, json = false, images, svg } = options;
  if (svg !== undefined) return await writeSvg(name, svg, options, signal);
  const { size } = await import('../quantities.js');
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { takeIn } = await import('../sweep/take-in.js');
  const { collectReport } = await import('./collect.js');
  const { checkTarget, writeOut } = await import('./write.js');
  const imageBytes = size('--images', images);
  if (output !== undefined) checkTarget(output, force);
  const folder = await findSweep(name);
  await takeIn(folder, signal);
  const data = await collectReport(folder, { imageBytes, signal });
  if (json) {
    const { Reader } = await import('../sweep/reader.js');
    await new Reader(process.stdout).write(`${JSON.stringify(data)}\n`);
    if (output === undefined) return ExitCode.ok;
  }
  const target = output ?? defaultName(data.sweep.name);
  checkTarget(target, force);
  const { pageAssets } = await import('./write.js');
  const { reportPage } = await import('../../report/html/report.js');
  await writeOut(target, reportPage(data, await pageAssets()));
  if (!json) console.log(target);
  return ExitCode.ok;
}

async function writeSvg(
  name: string,
  file: string,
  { force = false, size, output, json, ...options }: ReportOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { readManifest } = await import('../../sweep/observe/manifest.js');
  const { takeIn } = await import('../sweep/take-in.js');
  const { readTable } = await import('./collect.js');
  const { checkTarget, writeOut } = await import('./write.js');
  const { NoPlot, svgPlot } = await import('../../report/svg-plot.js');
  if (output !== undefined || json === true)
    throw new GvaError('USAGE', '--svg writes a plot: -o and --json are for the page');
  const { width, height } = pictureSize(size);
  checkTarget(file, force);
  const folder = await findSweep(name);
  await takeIn(folder, signal);
  const { columns, rows } = await readTable(folder, await readManifest(folder), signal);
  try {
    await writeOut(file, svgPlot(columns, rows, { ...options, width, height }));
  } catch (error) {
    if (!(error instanceof NoPlot)) throw error;
    throw new GvaError('NO_PLOT', `there is no such plot: ${error.message}`);
  }
  console.log(file);
  return ExitCode.ok;
}

/** From 120 by 90 to 10,000 by 10,000. */
function pictureSize(text: string): { width: number; height: number } {
  const [, width = NaN, height = NaN] = /^(\d{3,5})x(\d{2,5})$/.exec(text)?.map(Number) ?? [];
  if (width >= 120 && height >= 90 && width <= 10_000 && height <= 10_000) return { width, height };
  throw new GvaError('USAGE', `--size ${text} is no size of a picture`, { hint: 'Example: --size 640x400' });
}

/** A name of a sweep is a path's last part, and so may be anything. */
function defaultName(name: string): string {
  if (!/^[\w.,=+@-]+$/.test(name) || name.startsWith('.'))
    throw new GvaError('USAGE', 'the name of the sweep makes no name of a file', {
      hint: 'Name the page: -o report.html',
    });
  return `${name}.html`;
}
