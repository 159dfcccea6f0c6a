import { join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../src/system/package.js';

// JSON Schema (2020-12) of what commands print with --json, made of the types in src/cli/json-outputs.ts.

export interface Schema {
  [keyword: string]: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  description?: string;
}

export interface CommandSchema {
  readonly description: string;
  /** JSON Lines, each of the schema. */
  readonly lines: boolean;
  readonly schema: Schema;
}

export interface JsonSchemas {
  readonly commands: Readonly<Record<string, CommandSchema>>;
  /** Types with a name, which schemas refer to: `#/$defs/NAME`. */
  readonly $defs: Readonly<Record<string, Schema>>;
}

export function jsonSchemas(): JsonSchemas {
  const file = join(packageRoot, 'src/cli/json-outputs.ts');
  const options: ts.CompilerOptions = {
    // Without what browsers have: that is half of the work.
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true, types: ['node'] },
    ...{
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      typeRoots: [join(packageRoot, 'node_modules/@types')],
    },
  };
  const program = ts.createProgram([file], options);
  const source = program.getSourceFile(file);
  const outputs = source?.statements.find(
    (each): each is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(each) && each.name.text === 'JsonOutputs',
  );
  if (!outputs) throw new Error('json-outputs.ts has no interface JsonOutputs');
  const types = new Types(program.getTypeChecker());
  const commands: Record<string, CommandSchema> = {};
  for (const member of outputs.members) {
    if (!ts.isPropertySignature(member) || !ts.isStringLiteral(member.name) || !member.type) continue;
    const [doc] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
    const description = oneLine(ts.getTextOfJSDocComment(doc?.comment));
    const lines = (doc?.tags ?? []).some(({ tagName }) => tagName.text === 'lines');
    commands[member.name.text] = { description, lines, schema: types.schemaOf(types.at(member.type)) };
  }
  return { commands, $defs: types.named };
}

const oneLine = (text: string | undefined) => (text ?? '').replaceAll(/\s*\n\s*/g, ' ').trim();

class Types {
  readonly named: Record<string, Schema> = {};
  readonly #checker: ts.TypeChecker;

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  at(node: ts.TypeNode): ts.Type {
    return this.#checker.getTypeFromTypeNode(node);
  }

  schemaOf(type: ts.Type): Schema {
    return simpleSchema(type) ?? this.#compound(type);
  }

  #compound(type: ts.Type): Schema {
    if (type.isUnion()) return this.#union(type);
    if (this.#checker.isTupleType(type)) return { type: 'array' };
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', items: item ? this.schemaOf(item) : {} };
    }
    const name = nameOf(type);
    if (name === 'Date') return { type: 'string' };
    if (name === undefined) return this.#object(type);
    if (!(name in this.named)) {
      this.named[name] = {};
      this.named[name] = this.#object(type);
    }
    return { $ref: `#/$defs/${name}` };
  }

  #union(type: ts.UnionType): Schema {
    const types = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
    const literals = types.filter((each) => each.isLiteral());
    const rest = types.filter((each) => !each.isLiteral()).map((each) => this.schemaOf(each));
    // The compiler's own order changes with what it has seen before.
    const values = literals.map(({ value }) => value).sort();
    const known = values.length > 0 ? [{ enum: values }] : [];
    const all: Schema[] = [...known, ...unique(rest)].sort(byText);
    return all.length === 1 ? (all[0] ?? {}) : { anyOf: all };
  }

  #object(type: ts.Type): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of this.#checker.getPropertiesOfType(type)) {
      const description = oneLine(ts.displayPartsToString(property.getDocumentationComment(this.#checker)));
      const schema = this.schemaOf(this.#checker.getTypeOfSymbol(property));
      properties[property.name] = description === '' ? schema : { ...schema, description };
      if (!(property.flags & ts.SymbolFlags.Optional)) required.push(property.name);
    }
    const index = this.#checker.getIndexTypeOfType(type, ts.IndexKind.String);
    return {
      type: 'object',
      ...(required.length > 0 || Object.keys(properties).length > 0 ? { properties, required } : {}),
      ...(index ? { additionalProperties: this.schemaOf(index) } : {}),
    };
  }
}

function simpleSchema(type: ts.Type): Schema | undefined {
  const { flags } = type;
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
  if (flags & ts.TypeFlags.BooleanLike) return { type: 'boolean' };
  if (flags & ts.TypeFlags.NumberLike) return { type: 'number' };
  if (flags & ts.TypeFlags.StringLike) return { type: 'string' };
  if (flags & ts.TypeFlags.Null) return { type: 'null' };
  return flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any) ? {} : undefined;
}

/** Types of ours with a name; what a language construct made has none. */
function nameOf(type: ts.Type): string | undefined {
  if (type.aliasSymbol) return type.aliasTypeArguments ? undefined : type.aliasSymbol.name;
  const { symbol } = type;
  const isInterface = type.isClassOrInterface() && !symbol.name.startsWith('__');
  return isInterface ? symbol.name : undefined;
}

const byText = (a: Schema, b: Schema) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

function unique(schemas: readonly Schema[]): Schema[] {
  const texts = new Set<string>();
  return schemas.filter((schema) => {
    const text = JSON.stringify(schema);
    return !texts.has(text) && texts.add(text);
  });
}
