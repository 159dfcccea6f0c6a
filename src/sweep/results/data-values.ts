import { printable } from '../../vmm/console-ring.js';

export type DataValue = string | number | boolean | null;
/** What a program left for the table of results. */
export type PointData = Readonly<Record<string, DataValue>>;

/** Of one point, so that what a hostile guest writes stays small in the store of a million points. */
export const dataLimits = {
  /** Bytes of a file that is read. */
  file: 1 << 20,
  values: 200,
  /** Characters. */
  name: 128,
  /** Characters of one value. */
  value: 4096,
  /** Characters of all names and values. */
  total: 64 << 10,
  /** Levels of objects in objects. */
  depth: 16,
} as const;

/** Before a name that means something else already. */
export const dataPrefix = 'out.';

/** In it GVA says what of a program's data could not be taken. Names beginning with gva_ are its own. */
export const problemName = 'gva_data';

/** Gathers the values of a point; what goes beyond a limit is left out, and said so. */
export class DataValues {
  readonly #values = new Map<string, DataValue>();
  #size = 0;
  #problem: string | undefined;

  /** A name that comes again replaces the value. */
  add(name: string, value: DataValue): void {
    const clean = cleanName(name);
    const kept = typeof value === 'string' ? cleanText(value) : value;
    const size = clean.length + (typeof kept === 'string' ? kept.length : 8);
    if (clean.length > dataLimits.name) this.refuse(`a name has more than ${dataLimits.name} characters`);
    else if (typeof kept === 'string' && kept.length > dataLimits.value)
      this.refuse(`the value of ${clean} has more than ${dataLimits.value} characters`);
    else if (this.full && !this.#values.has(clean))
      this.refuse(`there are more than ${dataLimits.values} values`);
    else if (this.#size + size > dataLimits.total)
      this.refuse(`the values have more than ${dataLimits.total} characters in all`);
    else {
      this.#size += size;
      this.#values.set(clean, kept);
    }
  }

  get full(): boolean {
    return this.#values.size >= dataLimits.values;
  }

  /** Notes that something was left out; the first reason is kept. */
  refuse(problem: string): void {
    this.#problem ??= cleanText(problem).slice(0, 200);
  }

  /** The values, and under `gva_data` what is wrong, if anything is. */
  get data(): PointData {
    const problem = this.#problem === undefined ? [] : [[problemName, this.#problem] as const];
    return Object.fromEntries<DataValue>([...this.#values, ...problem]);
  }
}

/** The name of a column: one printable line that is neither of GVA's own names nor of JavaScript's objects. */
function cleanName(name: string): string {
  const clean = name
    .trim()
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
  return clean === '' || clean.startsWith('gva_') || clean in Object.prototype ? dataPrefix + clean : clean;
}

/** Lines stay; other control characters do not. */
const cleanText = (text: string) => printable(text.replaceAll('\r\n', '\n')).toWellFormed();
