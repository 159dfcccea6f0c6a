import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { packageRoot, packageVersion } from '../src/system/package.js';

// npm run bundle: the program as one file, gva.mjs, with what must lie beside it, in dist/bundle/gva-VERSION and as an archive
// of that folder. It is for home directories on grids: few files to look up, and nothing to install.

const name = `gva-${packageVersion()}`;
const target = join(packageRoot, 'dist/bundle', name);

/** Found by the program in its own folder. */
const beside = ['guest', 'libexec', 'dist/page', 'LICENSE', 'CHANGELOG.md'];

async function bundle(): Promise<void> {
  await rm(dirname(target), { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await writeProgram();
  for (const each of beside) await cp(join(packageRoot, each), join(target, each), { recursive: true });
  await writePackage();
  await copySqlite();
  const archive = `${target}-${process.platform}-${process.arch}.tar.gz`;
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
  execFileSync('tar', ['-czf', archive, ...owner, '-C', dirname(target), name]);
  console.log(`${target}\n${archive}`);
}

async function writeProgram(): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'gva-bundle-'));
  try {
    const xml = join(work, 'libxml2.mjs');
    await put('libxml2-wasm', xml);
    const file = join(target, 'gva.mjs');
    await put(join(packageRoot, 'dist/src/cli/start.js'), file, { 'libxml2-wasm': xml });
    await chmod(file, 0o755);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Makes one file of all that `input` needs.
 *
 * @param alias modules that are one file already: those of libxml2-wasm wait for each other in a circle while they begin,
 *   which would never end where they are functions of one file
 */
async function put(input: string, file: string, alias: Record<string, string> = {}): Promise<void> {
  await using made = await rolldown({ input, platform: 'node', resolve: { alias }, cwd: packageRoot });
  await made.write({ file, format: 'esm', codeSplitting: false, banner: '#!/usr/bin/env node' });
}

/** Version and folder are known by it. */
async function writePackage(): Promise<void> {
  const text = await readFile(join(packageRoot, 'package.json'), 'utf8');
  const { version, license, engines } = JSON.parse(text) as Record<string, unknown>;
  const content = { name: 'gva', version, license, type: 'module', private: true, engines };
  await writeFile(join(target, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/** SQLite is machine code: one file, for this processor and this C library. Everything else is JavaScript and WebAssembly. */
async function copySqlite(): Promise<void> {
  const libc = process.platform !== 'linux' ? '' : isGlibc() ? '-gnu' : '-musl';
  const addon = `@libsql/${process.platform}-${process.arch}${libc}`;
  const require = createRequire(createRequire(import.meta.url).resolve('libsql'));
  const from = dirname(require.resolve(addon));
  await cp(from, join(target, 'node_modules', addon), { recursive: true });
}

function isGlibc(): boolean {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}

await bundle();
