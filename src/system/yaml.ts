import {
  LineCounter,
  type Node,
  type YAMLMap,
  isMap,
  isNode,
  isPair,
  isScalar,
  parseDocument,
  visit,
} from 'yaml';
import type { z } from 'zod';
import { GvaError } from './errors.js';
import { nearestName } from './nearest-name.js';

/** Something wrong in a file, with its place. */
export interface Mistake {
  line: number;
  column: number;
  message: string;
}

/** A parsed YAML file whose values still know where they stood. */
export class YamlFile {
  readonly #document: ReturnType<typeof parseDocument>;
  readonly #lines = new LineCounter();
  readonly file: string;
  readonly mistakes: Mistake[] = [];
  /** It cannot be known what it says. Not so of a name that is there twice: the first one counts. */
  readonly broken: boolean;

  constructor(text: string, file: string) {
    this.file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
    const { errors } = this.#document;
    for (const error of errors) this.#add(error.pos[0], error.message);
    this.broken = errors.some(({ code }) => code !== 'DUPLICATE_KEY');
    if (errors.length > 0) visit(this.#document, { Map: (_, map) => keepFirst(map) });
  }

  /**
   * The value by the schema. All mistakes of the file, those of its syntax included, are one GvaError
   * (`code`); `check` may add what no schema can say, with `mistake()`. A custom issue of the schema whose
   * `params` are `{ key: true }` is about the name of the entry, not its value.
   */
  parse<T extends z.ZodType>(schema: T, code: string, check?: (value: z.output<T>) => void): z.output<T> {
    let value: z.output<T> | undefined;
    if (this.mistakes.length === 0) {
      const outcome: z.ZodSafeParseResult<z.output<T>> = schema.safeParse(this.value(), {
        reportInput: true,
      });
      if (outcome.success) value = outcome.data;
      else for (const issue of outcome.error.issues) this.#addIssue(issue, schema);
      if (value !== undefined) check?.(value);
    }
    if (this.mistakes.length > 0 || value === undefined) throw this.#error(code);
    return value;
  }

  /** Notes something wrong at the value (or, `key`, at the name) with this path. */
  mistake(path: readonly PropertyKey[], message: string, key = false): void {
    this.#add(this.#offsetOf(path, key), message);
  }

  /** Where the value (or, `key`, the name) with this path stands; the nearest one above it, if there is none. */
  placeOf(path: readonly PropertyKey[], key = false): { line: number; column: number } {
    return this.#place(this.#offsetOf(path, key));
  }

  /** What the file says, as plain objects; an empty one for an empty file. */
  value(): unknown {
    try {
      return (this.#document.toJS({ maxAliasCount: 100 }) as unknown) ?? {};
    } catch (error) {
      throw this.#error('YAML', [{ line: 1, column: 1, message: String(error) }]);
    }
  }

  #addIssue(issue: z.core.$ZodIssue, schema: z.ZodType): void {
    const path = [...issue.path];
    const name = path.length === 0 ? '' : `${path.join('.')}: `;
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys) {
        const nearest = nearestName(key, entriesAt(schema, path));
        const meant = nearest === undefined ? '' : `; did you mean ${nearest}?`;
        this.mistake([...path, key], `${name}unknown entry ${JSON.stringify(key)}${meant}`, true);
      }
    else if (issue.code === 'invalid_type' && issue.input === undefined)
      this.mistake(path, `${path.join('.')} is missing`);
    else this.mistake(path, `${name}${issue.message}`, isAboutKey(issue));
  }

  #add(offset: number, message: string): void {
    this.mistakes.push({ ...this.#place(offset), message });
  }

  #place(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #offsetOf(path: readonly PropertyKey[], key: boolean): number {
    for (let length = path.length; length >= 0; length--) {
      const node = this.#nodeAt(path.slice(0, length), key && length === path.length);
      if (node?.range) return node.range[0];
    }
    return 0;
  }

  #nodeAt(path: readonly PropertyKey[], key: boolean): Node | undefined {
    const last = path.at(-1);
    if (key && last !== undefined) {
      const parent: unknown = this.#document.getIn(path.slice(0, -1), true);
      const pair = isMap(parent)
        ? parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last)
        : undefined;
      if (pair && isNode(pair.key)) return pair.key;
    }
    const node: unknown = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    return isNode(node) ? node : undefined;
  }

  #error(code: string, mistakes = this.mistakes): GvaError {
    const sorted = [...mistakes].sort((a, b) => a.line - b.line || a.column - b.column);
    const lines = sorted.map(({ line, column, message }) => `${this.file}:${line}:${column}: ${message}`);
    return new GvaError(code, lines.join('\n'));
  }
}

/** Values and their places are to be found by name. */
function keepFirst(map: YAMLMap): void {
  const seen = new Set<unknown>();
  map.items = map.items.filter(({ key }) => {
    const name: unknown = isScalar(key) ? key.value : key;
    return !seen.has(name) && seen.add(name);
  });
}

const isAboutKey = (issue: z.core.$ZodIssue) => issue.code === 'custom' && issue.params?.['key'] === true;

/** The part of a schema's definition that leads to others. */
interface SchemaParts {
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
}

/** Names of the entries that a map with this path may have, where the schema knows them all. */
function entriesAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const parts = schema._zod.def as SchemaParts;
  const inner = parts.innerType ?? parts.in;
  if (inner) return entriesAt(inner, path);
  const [first, ...rest] = path;
  if (first === undefined) return Object.keys(parts.shape ?? {});
  const next = parts.shape?.[String(first)] ?? parts.element ?? parts.valueType;
  return next ? entriesAt(next, rest) : [];
}
