import { type ParameterValues, parameterText } from '../model/parameter.js';
import type { InstanceTimes } from '../model/result.js';
import type { PointOutcome } from '../model/sweep.js';
import { printable } from '../vmm/console-ring.js';

/** The columns behind the parameters; names of parameters never begin with gva_. */
const outcomeColumns = [
  'gva_state',
  'gva_cause',
  'gva_status',
  'gva_boot_s',
  'gva_script_s',
  'gva_shutdown_s',
  'gva_other_s',
  'gva_total_s',
  'gva_folder',
];

/** The rest of a row whose point has no result. */
export const pendingCells = `pending${','.repeat(outcomeColumns.length - 1)}`;

/** First line of results.csv (RFC 4180, with the optional header). */
export function headerRow(parameters: readonly string[]): string {
  return `${['gva_point', ...parameters, ...outcomeColumns].map(csvCell).join(',')}\r\n`;
}

/** @param cells of the outcome, by `outcomeCells()` */
export function pointRow(index: number, parameters: ParameterValues, cells: string): string {
  const values = Object.values(parameters).map((value) => csvCell(parameterText(value)));
  return `${[index, ...values, cells].join(',')}\r\n`;
}

/**
 * The part of a point's row that tells how it ended.
 *
 * @param folder of its results, relative to the table's; undefined where there are none
 */
export function outcomeCells(outcome: PointOutcome, folder: string | undefined): string {
  const phases = phaseSeconds(outcome.times);
  return [
    outcome.state,
    // May have a word of the guest's in it.
    printable(outcome.cause ?? ''),
    outcome.status ?? '',
    ...[phases.boot, phases.script, phases.shutdown, phases.other, phases.total].map((s) => s ?? ''),
    folder ?? '',
  ]
    .map((cell) => csvCell(String(cell)))
    .join(',');
}

/** Seconds that an instance spent on what, with milliseconds; null where a moment of it is not known. */
export interface PhaseSeconds {
  /** From the machine's start to the application's. */
  readonly boot: number | null;
  readonly script: number | null;
  /** From the application's end to the machine's. */
  readonly shutdown: number | null;
  /** Making the media and collecting the output. */
  readonly other: number | null;
  readonly total: number | null;
}

export function phaseSeconds(times: InstanceTimes | null): PhaseSeconds {
  const between = (from: number | null | undefined, to: number | null | undefined) =>
    typeof from === 'number' && typeof to === 'number' ? round(to - from) : null;
  const boot = between(times?.staged, times?.scriptsStarted);
  const script = between(times?.scriptsStarted, times?.scriptsEnded);
  const shutdown = between(times?.scriptsEnded, times?.poweredOff);
  const total = between(0, times?.collected);
  const known = boot !== null && script !== null && shutdown !== null && total !== null;
  return { boot, script, shutdown, other: known ? round(total - boot - script - shutdown) : null, total };
}

const round = (seconds: number) => Number(seconds.toFixed(3));

/** A field of RFC 4180, section 2: in quotes where it has a quote, comma or line end in it. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
