import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/package.js';

// What programs see are plain types, all of them documented: no module of the inside, and no package, comes with them.

const entry = join(packageRoot, 'src/library/index.ts');

async function declarations(file: string): Promise<ts.SourceFile> {
  const { outputText } = ts.transpileDeclaration(await readFile(file, 'utf8'), {
    compilerOptions: { stripInternal: true, target: ts.ScriptTarget.ESNext },
    fileName: file,
  });
  return ts.createSourceFile(file, outputText, ts.ScriptTarget.ESNext, true);
}

/** All files whose declarations are needed for those of the entry. */
async function needed(): Promise<ts.SourceFile[]> {
  const found = new Map<string, ts.SourceFile>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    const source = await declarations(file);
    found.set(file, source);
    for (const statement of source.statements) {
      const from =
        ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)
          ? statement.moduleSpecifier
          : undefined;
      if (from && ts.isStringLiteral(from)) open.push(join(dirname(file), from.text.replace(/\.js$/, '.ts')));
    }
  }
  return [...found.values()];
}

it('the declarations of the library need those of the model, and nothing else', async () => {
  const names = (await needed()).map(({ fileName }) => fileName.slice(packageRoot.length + 1));
  const inside = names.filter((name) => !/^src\/(?:library|model)\/|^src\/system\/errors\.ts$/.test(name));
  expect(inside).toEqual([]);
});

it('everything that it exports has a doc comment, or says itself what it is', async () => {
  const bare: string[] = [];
  for (const source of (await needed()).filter(({ fileName }) => fileName.includes('/library/')))
    for (const statement of source.statements)
      if (ts.isFunctionDeclaration(statement) && ts.getJSDocCommentsAndTags(statement).length === 0)
        bare.push(statement.name?.text ?? '');
      else if (ts.isInterfaceDeclaration(statement))
        for (const member of statement.members)
          if (ts.getJSDocCommentsAndTags(member).length === 0)
            bare.push(`${statement.name.text}.${member.name?.getText() ?? ''}`);
  expect(bare).toEqual(['LoadedAppliance.kind', 'LoadOptions.signal']);
});
