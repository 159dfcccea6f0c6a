import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { BaseManifest } from '../../src/model/base.js';
import type { InstanceResult } from '../../src/model/result.js';
import { findBase } from '../../src/base/store.js';
import { packageRoot, packageVersion } from '../../src/system/package.js';
import { temporaryFolder } from '../support/gva.js';

// The package as a new user has it: packed, installed by npm into an empty folder, used from there; and the bundle.

const execute = promisify(execFile);

/** Packs what is built, and gives the archive. */
async function pack(folder: string): Promise<{ archive: string; files: string[] }> {
  const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await execute('npm', words, { cwd: packageRoot, maxBuffer: 1 << 26 });
  const said: unknown = JSON.parse(stdout);
  const [made] = Object.values(said as Record<string, { filename: string; files: { path: string }[] }>);
  if (!made) throw new Error('npm packed nothing');
  return { archive: join(folder, made.filename), files: made.files.map(({ path }) => path) };
}

const own = process.env['HOME'] ?? '/root';
/** How npm reaches its registry from here: settings of the user's, and whom a site trusts. */
const registry = {
  npm_config_cache: process.env['npm_config_cache'] ?? join(own, '.npm'),
  npm_config_userconfig: process.env['npm_config_userconfig'] ?? join(own, '.npmrc'),
  NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'] ?? '',
};

/** Not a variable of this repository's tests reaches it, but for the cache of Debian packages, and the registry of npm. */
const environment = (folder: string, bin: string) => ({
  PATH: `${bin}:${process.env['PATH'] ?? ''}`,
  HOME: folder,
  XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(own, '.cache'),
  ...registry,
});

it('npm pack makes a package that works after npm install -g', async () => {
  await using folder = await temporaryFolder();
  const prefix = join(folder.path, 'prefix');
  const { archive, files } = await pack(folder.path);
  expect(
    files.filter((file) => /^(?:test|bench|src|tools|dist\/(?:src.*\.js|bench|tools))|\.map$/.test(file)),
  ).toEqual([]);
  const options = { cwd: folder.path, env: environment(folder.path, join(prefix, 'bin')) };
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await execute('npm', ['install', '--global', '--prefix', prefix, ...flags, archive], options);
  const gva = async (...words: string[]) => (await execute('gva', words, options)).stdout;

  expect(await gva('--version')).toBe(`${packageVersion()}\n`);
  await gva('init', 'square');
  const base = JSON.parse(await gva('base', 'build', 'micro', '--json')) as BaseManifest;
  // What is built is what this checkout builds: nothing that makes it up is missing from the package.
  expect(base.digest).toBe((await findBase('micro'))?.digest);
  const words = ['run', 'square', '--param', 'n=12', '--out', 'square-12', '--json'];
  expect(JSON.parse(await gva(...words))).toMatchObject({ state: 'done' } satisfies Partial<InstanceResult>);
  expect(await readFile(join(folder.path, 'square-12/output/result.txt'), 'utf8')).toBe('area=144\n');
  const report = JSON.parse(await gva('doctor', '--json')) as { vmms: { verdict: string }[] };
  expect(report.vmms.some(({ verdict }) => verdict === 'works')).toBe(true);
  // SQLite comes as machine code, XML as WebAssembly: both were found.
  expect(await gva('base', 'list')).toContain('micro');
  await gva('pack', 'square');
  expect(await gva('inspect', 'square.ova')).toContain('gva run takes it');
  expect(await readdir(join(prefix, 'share/man/man1'))).toContain('gva-run.1');
  await gva('sweep', 'run', 'square/plan.yaml', '--out', 'squares');
  await expectPages('gva', options);
  await programs(prefix);
}, 900_000);

/** Script and style of the pages are files of their own: they came along. */
async function expectPages(program: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<void> {
  await execute(program, ['report', 'squares', '-o', 'report.html'], options);
  const report = await readFile(join(options.cwd, 'report.html'), 'utf8');
  expect(report).toContain('<h1 id="title">squares</h1>');
  const served = spawn(program, ['serve', 'squares', '--json'], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(served, 'close');
  try {
    const [said] = (await once(served.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(said.toString()) as { url: string };
    const script = await fetch(new URL('/live.js', url));
    expect({ status: script.status, empty: (await script.text()) === '' }).toEqual({
      status: 200,
      empty: false,
    });
  } finally {
    served.kill('SIGINT');
  }
  expect(await closed).toEqual([0, null]);
}

/** A program of the user's, with types, beside the package. */
async function programs(prefix: string): Promise<void> {
  const lib = join(prefix, 'lib');
  await writeFile(
    join(lib, 'program.ts'),
    `import { type InstanceResult, type Running, GvaError, loadAppliance, run } from 'gva';
const running = run(await loadAppliance('square'), { out: 'x', parameters: { n: 1 } });
for await (const event of running) if (event.event === 'guest') event.name satisfies string;
const result: InstanceResult = await running.result;
result.state satisfies 'done' | 'failed' | 'lost' | 'cancelled';
// @ts-expect-error there is no such state
result.state satisfies 'done';
export const error: typeof GvaError = GvaError;
export type Any = Running<string, number>;
`,
  );
  const types = ['--types', 'node', '--typeRoots', join(packageRoot, 'node_modules/@types')];
  const strict = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2023,esnext.disposable',
  ];
  await writeFile(join(lib, 'package.json'), '{ "type": "module" }');
  await execute(join(packageRoot, 'node_modules/.bin/tsc'), [...strict, ...types, 'program.ts'], {
    cwd: lib,
  }).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout, { cause: error });
  });
}

it('npm run bundle makes one file that works with what lies beside it', async () => {
  await using folder = await temporaryFolder();
  await execute(process.execPath, [join(packageRoot, 'dist/tools/bundle.js')]);
  const name = `gva-${packageVersion()}`;
  const archive = join(packageRoot, `dist/bundle/${name}-${process.platform}-${process.arch}.tar.gz`);
  await execute('tar', ['-xzf', archive, '-C', folder.path]);
  const place = join(folder.path, name);
  expect((await readdir(place)).sort()).toEqual(
    [
      ...['CHANGELOG.md', 'LICENSE', 'dist', 'guest', 'gva.mjs', 'libexec', 'node_modules', 'package.json'],
    ].sort(),
  );
  const options = { cwd: folder.path, env: { ...process.env, NO_COLOR: '1' } };
  const gva = async (...words: string[]) => (await execute(join(place, 'gva.mjs'), words, options)).stdout;
  expect(await gva('--version')).toBe(`${packageVersion()}\n`);
  await gva('init', 'square');
  // By jobs of this host: what starts other processes finds the program again.
  await gva('sweep', 'run', 'square/plan.yaml', '--out', 'squares', '--grid', 'local');
  const rows = (await readFile(join(folder.path, 'squares/results.csv'), 'utf8')).trim().split('\r\n');
  expect(rows.slice(1).map((row) => row.split(',').at(-1))).toEqual(['1', '4', '9', '16']);
  await expectPages(join(place, 'gva.mjs'), options);
  await gva('pack', 'square');
  expect(await gva('inspect', 'square.ova')).toContain('gva run takes it');
});
