import { GvaError } from '../../system/errors.js';
import type { YamlFile } from '../../system/yaml.js';
import { Entry, type Path } from './entry.js';

interface Told {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Mistakes of one file. */
export class FileMistakes {
  readonly #name: string;
  readonly #told: Told[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  get count(): number {
    return this.#told.length;
  }

  /** @param line from 1; Infinity for what is to stand behind all others, without a place */
  add(line: number, column: number, message: string): void {
    this.#told.push({ line, column, message });
  }

  /** An entry all of whose mistakes are told at this place. */
  at(line: number, column: number, value?: unknown, path: Path = []): Entry {
    return new Entry(value, path, (_, message) => this.add(line, column, message));
  }

  lines(): string[] {
    const sorted = [...this.#told].sort((a, b) =>
      a.line === b.line ? a.column - b.column : a.line - b.line,
    );
    return sorted.map(({ line, column, message }) =>
      Number.isFinite(line) ? `${this.#name}:${line}:${column}: ${message}` : `${this.#name}: ${message}`,
    );
  }
}

/** All that is wrong with a plan and the files that it is made of. */
export class Mistakes {
  readonly #files = new Map<string, FileMistakes>();

  ofFile(name: string): FileMistakes {
    const file = this.#files.get(name) ?? new FileMistakes(name);
    this.#files.set(name, file);
    return file;
  }

  get count(): number {
    return [...this.#files.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** The top of a YAML file, whose mistakes are told with line and column. */
  entryOf(yaml: YamlFile): Entry {
    const told = this.ofFile(yaml.file);
    for (const { line, column, message } of yaml.mistakes) told.add(line, column, message);
    const report = (path: readonly PropertyKey[], message: string, aboutName: boolean) => {
      const { line, column } = yaml.placeOf(path, aboutName);
      told.add(line, column, message);
    };
    return new Entry(yaml.broken ? undefined : yaml.value(), [], report);
  }

  /** The top of a file without entries: all its mistakes are told at its first line. */
  topOf(name: string): Entry {
    return this.ofFile(name).at(1, 1);
  }

  /** @throws GvaError PLAN_INVALID with all of them, if there are any; equal ones once */
  throwIfAny(): void {
    if (this.count === 0) return;
    const lines = new Set([...this.#files.values()].flatMap((file) => file.lines()));
    throw new GvaError('PLAN_INVALID', [...lines].join('\n'));
  }
}
