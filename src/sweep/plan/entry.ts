/** Leads from the top of a file to a place in it. */
export type Path = readonly PropertyKey[];

/** Takes a mistake at the value (or, `aboutName`, at the name) with this path. */
export type Report = (path: Path, message: string, aboutName: boolean) => void;

/** A value of a plan that knows where it stands, so that what is wrong with it can be told with its place. */
export class Entry {
  readonly value: unknown;
  readonly path: Path;
  readonly #report: Report;

  constructor(value: unknown, path: Path, report: Report) {
    this.value = value;
    this.path = path;
    this.#report = report;
  }

  /** The part under that name or number; its value is undefined where there is none. */
  at(key: string | number): Entry {
    const { value } = this;
    const found = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    const part = found ? (value as Record<string | number, unknown>)[key] : undefined;
    return new Entry(part, [...this.path, key], this.#report);
  }

  has(key: string): boolean {
    return isMapping(this.value) && Object.hasOwn(this.value, key);
  }

  /** Names and values of a mapping; undefined, and told, where it is none. */
  fields(what: string): (readonly [string, Entry])[] | undefined {
    if (!isMapping(this.value)) return this.fail(what);
    return Object.keys(this.value).map((key) => [key, this.at(key)] as const);
  }

  /** Values of a list; undefined, and told, where it is none. */
  items(what: string): Entry[] | undefined {
    if (!Array.isArray(this.value)) return this.fail(what);
    return this.value.map((_, index) => this.at(index));
  }

  /** Tells of the names in this mapping that are not among those; whether there was none. */
  only(...names: readonly string[]): boolean {
    const unknown = isMapping(this.value)
      ? Object.keys(this.value).filter((key) => !names.includes(key))
      : [];
    for (const key of unknown) {
      const place = this.at(key);
      this.#report(place.path, `${this.#prefix}unknown entry ${JSON.stringify(key)}`, true);
    }
    return unknown.length === 0;
  }

  /** Tells of a mistake; what is returned is undefined, of any type: a reader ends with `return entry.fail(...)`. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the type is that of the reader
  fail<T>(message: string): T | undefined {
    this.#report(this.path, `${this.#prefix}${message}`, false);
    return undefined;
  }

  /** Tells of a mistake in the name of this entry. */
  failName(message: string): void {
    this.#report(this.path, `${this.#prefix}${message}`, true);
  }

  get #prefix(): string {
    return this.path.length === 0 ? '' : `${this.path.join('.')}: `;
  }
}

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
