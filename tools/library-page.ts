import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../src/system/package.js';
import type { GeneratedPage } from './page.js';

// The reference of the library, made of the declarations of what src/library/index.ts exports.

export const libraryPage: GeneratedPage = { file: 'docs/library.md', text: libraryReference };

const entry = join(packageRoot, 'src/library/index.ts');

async function libraryReference(): Promise<string> {
  const sections: string[] = [];
  for (const [file, names] of exportsOf(parse(entry, await readFile(entry, 'utf8')))) {
    const declarations = await declarationsOf(join(dirname(entry), file.replace(/\.js$/, '.ts')));
    for (const name of names) {
      const found = declarations.get(name);
      if (!found) throw new Error(`${file} declares no ${name}`);
      sections.push(sectionOf(name, found));
    }
  }
  return sections.join('\n');
}

const parse = (name: string, text: string) => ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true);

/** Names that the file exports, by the files they come from. */
function exportsOf(file: ts.SourceFile): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const statement of file.statements) {
    if (!ts.isExportDeclaration(statement) || !statement.exportClause || !statement.moduleSpecifier)
      throw new Error(`${file.fileName} does more than pass names on`);
    if (!ts.isNamedExports(statement.exportClause) || !ts.isStringLiteral(statement.moduleSpecifier))
      throw new Error(`${file.fileName} passes on more than names`);
    const names = statement.exportClause.elements.map(({ name }) => name.text);
    // Functions stand first on the page.
    const { text } = statement.moduleSpecifier;
    found.set(text, [...(found.get(text) ?? []), ...names.sort(byKind)]);
  }
  return found;
}

const isType = (name: string) => /^[A-Z]/.test(name);
const byKind = (a: string, b: string) => Number(isType(a)) - Number(isType(b));

interface Declaration {
  /** Markdown. */
  readonly doc: string;
  /** TypeScript; of several declarations of a name, all. */
  readonly code: string;
}

async function declarationsOf(file: string): Promise<Map<string, Declaration>> {
  const { outputText } = ts.transpileDeclaration(await readFile(file, 'utf8'), {
    compilerOptions: { stripInternal: true, target: ts.ScriptTarget.ESNext },
    fileName: file,
  });
  const source = parse(file, outputText);
  const found = new Map<string, Declaration>();
  for (const statement of source.statements) {
    const name = nameOf(statement);
    if (name === undefined) continue;
    const code = statement.getText(source).replace(/^export (?:declare )?/, '');
    const earlier = found.get(name);
    found.set(name, {
      doc: earlier?.doc ?? docOf(statement),
      code: earlier ? `${earlier.code}\n${code}` : code,
    });
  }
  return found;
}

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]?.name.getText();
  const named =
    ts.isFunctionDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isClassDeclaration(statement);
  return named ? statement.name?.text : undefined;
}

/** Its doc comment; tags become a list. */
function docOf(statement: ts.Statement): string {
  const [doc] = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
  if (!doc) return '';
  const tags = (doc.tags ?? []).map((tag) => {
    const text = oneLine(ts.getTextOfJSDocComment(tag.comment));
    return ts.isJSDocParameterTag(tag)
      ? `- \`${tag.name.getText()}\`: ${text}`
      : `- ${tag.tagName.text}: ${throwsText(tag, text)}`;
  });
  return [oneLine(ts.getTextOfJSDocComment(doc.comment)), tags.join('\n')].join('\n\n').trim();
}

/** The parser takes the first word of what is thrown for a type. */
function throwsText(tag: ts.JSDocTag, text: string): string {
  const type = ts.isJSDocThrowsTag(tag) ? (tag.typeExpression?.getText() ?? '') : '';
  return `${type} ${text}`.trim();
}

const oneLine = (text: string | undefined) => (text ?? '').replaceAll(/\s*\n\s*/g, ' ').trim();

const sectionOf = (name: string, { doc, code }: Declaration) =>
  `### \`${name}\`\n\n${doc}\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
