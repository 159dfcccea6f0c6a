/** Numbers as people read them. */

/** With so many significant digits, and no more than needed: "0.00012", "12,300", "1.2e-9". */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-4) return tidyExponent(value.toExponential(Math.max(0, digits - 1)));
  const rounded = Number(value.toPrecision(digits));
  return Math.abs(rounded) >= 1000
    ? groupThousands(String(Math.round(size >= 10 ** digits ? value : rounded)))
    : String(rounded);
}

const tidyExponent = (text: string) => text.replace(/\.?0*e\+?/, 'e');

/** "50,000". */
export function groupThousands(text: string): string {
  return text.replace(/\B(?=(?:\d{3})+(?!\d))/g, ',');
}

export const formatCount = (count: number): string => groupThousands(String(count));

/** "12 ms", "0.42 s", "4m05s", "2h07m", "3d04h". */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '';
  const size = Math.abs(seconds);
  if (size > 0 && size < 0.1) return `${Number((seconds * 1000).toPrecision(2))} ms`;
  if (size < 59.95) return `${Number(seconds.toFixed(size < 10 ? 2 : 1))} s`;
  const whole = Math.round(seconds);
  const two = (number: number) => String(number).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  return `${Math.floor(minutes / 1440)}d${two(Math.floor((minutes % 1440) / 60))}h`;
}

/** "98.6 %"; never 100 or 0 where something is missing or there. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '';
  const percent = (100 * part) / whole;
  if (part < whole && percent > 99.9) return '> 99.9 %';
  if (part > 0 && percent < 0.1) return '< 0.1 %';
  return `${Number(percent.toFixed(1))} %`;
}
