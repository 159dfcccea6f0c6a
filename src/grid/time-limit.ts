import { parseDuration } from '../system/units.js';

/**
 * Seconds of a time limit: with a unit as everywhere in GVA (`90m`, `2h`), or as Slurm writes them with a colon or a day
 * (`90:00`, `2:00:00`, `1-12`, `1-12:00:00`; sbatch(1), --time). Undefined where it is none, and for a bare number: that
 * is minutes to Slurm and seconds to GVA.
 */
export function parseTimeLimit(text: string): number | undefined {
  const plain = text.trim();
  if (/^[\d.]+$/.test(plain)) return undefined;
  const days = /^(\d+)-(\d+)(?::(\d+))?(?::(\d+))?$/.exec(plain);
  const clock = /^(?:(\d+):)?(\d+):(\d+)$/.exec(plain);
  const parts = days?.slice(1) ?? (clock ? ['0', ...clock.slice(1)] : undefined);
  if (!parts) return positive(parseDuration(plain));
  const [day = 0, hour = 0, minute = 0, second = 0] = parts.map((part: string | undefined) =>
    Number(part ?? 0),
  );
  return positive(day * 86_400 + hour * 3600 + minute * 60 + second);
}

const positive = (seconds: number | undefined) =>
  seconds !== undefined && seconds > 0 && Number.isFinite(seconds) ? seconds : undefined;
