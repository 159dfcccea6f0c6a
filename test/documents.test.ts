import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { packageRoot } from '../src/system/package.js';
import { callsIn, mistakesOf } from './support/command-lines.js';

// What documents say of tests, and of the project as a whole.

const text = (name: string) => readFile(join(packageRoot, name), 'utf8');

/** Each test file that a document names, with the names of tests that follow it. */
function namedTests(document: string): { readonly file: string; readonly names: readonly string[] }[] {
  const pattern = /`(test\/[\w./-]+\.test\.ts)`((?:,?\s*"[^"]+")*)/g;
  return [...document.matchAll(pattern)].map(([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name.replace(/\s+/g, ' ')),
  }));
}

describe.each(['docs/security.md', 'docs/reliability.md', 'docs/channels.md'])('%s', (document) => {
  it('names tests that exist', async () => {
    const named = namedTests(await text(document));
    expect(named.length).toBeGreaterThan(20);
    const missing: string[] = [];
    for (const { file, names } of named) {
      const source = existsSync(join(packageRoot, file)) ? await text(file) : undefined;
      if (source === undefined) missing.push(file);
      for (const name of names) if (source?.includes(name) === false) missing.push(`${file}: ${name}`);
    }
    expect(missing).toEqual([]);
  });
});

/** Lines of shell in a page: its blocks of no language but the shell's, and what it says in the text. */
function shellLines(page: string): string[] {
  const blocks = [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter(([, language = '']) => ['', 'sh'].includes(language))
    .flatMap(([, , body = '']) => body.split('\n'));
  const rest = page.replaceAll(/^```[^]*?^```$/gm, '');
  const indented = [...rest.matchAll(/^ {4}(gva .*)$/gm)].map(([, line = '']) => line);
  const inText = [...rest.matchAll(/`((?:\.\/bin\/)?gva [^`]*)`/g)].map(([, line = '']) =>
    line.replace(/\s+/g, ' '),
  );
  return [...blocks, ...indented, ...inText];
}

test('pages name commands and options of gva that there are', async () => {
  const folders = [
    'docs',
    'docs/how-to',
    '.',
    ...(await readdir(join(packageRoot, 'examples'))).map((name) => `examples/${name}`),
  ];
  const wrong: string[] = [];
  let calls = 0;
  for (const folder of folders) {
    const names = await readdir(join(packageRoot, folder)).catch(() => []);
    for (const name of names.filter((each) => each.endsWith('.md') && each !== 'CHANGELOG.md'))
      for (const call of callsIn(shellLines(await text(join(folder, name))))) {
        calls++;
        if (!call.startsWith('gva 0.'))
          for (const mistake of mistakesOf(call)) wrong.push(`${folder}/${name}: ${call}: ${mistake}`);
      }
  }
  expect(wrong).toEqual([]);
  expect(calls).toBeGreaterThan(200);
});

/** The rows of the table whose first line begins so, each as its cells. */
function tableOf(document: string, first: RegExp): string[][] {
  const lines = document.split('\n');
  const begin = lines.findIndex((line) => first.test(line));
  const end = lines.findIndex((line, index) => index > begin && !line.startsWith('|'));
  return lines.slice(begin + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('each way to speak with a guest has a test under each VMM: where there is it, and where there is not', async () => {
  const document = await text('docs/channels.md');
  const ways = tableOf(document, /^\| way .*when/);
  const shown = new Map(
    tableOf(document, /^\| way .*under QEMU/).map(([way = '', ...cells]) => [way, cells]),
  );
  expect([...shown.keys()]).toEqual(ways.map(([way]) => way));
  for (const [way = '', , , ...answers] of ways)
    for (const [index, vmm] of ['qemu', 'uml'].entries()) {
      expect(answers[index], way).toMatch(/^(yes|no: )/);
      const [named] = namedTests(shown.get(way)?.[index] ?? '');
      expect(named?.names, `${way} under ${vmm}`).toHaveLength(1);
      expect(await text(named?.file ?? ''), `${way} under ${vmm}`).toContain(`'${vmm}'`);
    }
});

test('nothing in src/ listens but local sockets and the live page', async () => {
  const files = await readdir(join(packageRoot, 'src'), { recursive: true });
  const listening: string[] = [];
  for (const name of files.filter((each) => each.endsWith('.ts')))
    if (/\b(createServer|createSocket|createSecureServer)\b/.test(await text(join('src', name))))
      listening.push(name);
  // All but the page's are given a path. A new one belongs here, and into docs/security.md.
  const local = ['instance/control/server.ts', 'vmm/qemu/state-socket.ts'];
  expect(listening.sort()).toEqual([...local, 'report/server/server.ts'].sort());
  for (const name of local)
    expect(await text(join('src', name))).toMatch(/\.listen\(\w*(socket|path)\w*[,)]/i);
});

test('the lock file has digests, and neither addresses nor install scripts', async () => {
  interface Locked {
    readonly version?: string;
    readonly resolved?: string;
    readonly integrity?: string;
    readonly hasInstallScript?: boolean;
    readonly inBundle?: boolean;
  }
  const lock = JSON.parse(await text('package-lock.json')) as { packages: Record<string, Locked> };
  const { ['']: own, ...packages } = lock.packages;
  expect(own).toBeDefined();
  const bad = Object.entries(packages).filter(
    ([, { resolved, integrity = '', hasInstallScript, inBundle }]) =>
      hasInstallScript === true ||
      resolved !== undefined ||
      (inBundle !== true && !integrity.startsWith('sha512-')),
  );
  expect(bad).toEqual([]);
  // The lock file names no address: it is that of the client's registry.
  expect(await text('.npmrc')).not.toMatch(/registry\s*=\s*http/);
  const { dependencies } = JSON.parse(await text('package.json')) as {
    dependencies: Record<string, string>;
  };
  expect(Object.keys(dependencies)).toHaveLength(8);
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
