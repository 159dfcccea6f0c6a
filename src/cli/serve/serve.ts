import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type AccessRules, isLoopback, makeToken, namesOf } from '../../report/server/access.js';
import { livePage } from '../../report/server/page.js';
import type { LiveAssets } from '../../report/server/routes.js';
import { LiveServer } from '../../report/server/server.js';
import { findSweep, isSweepFolder } from '../../sweep/observe/find.js';
import { knownSweeps } from '../../sweep/observe/registry.js';
import { readStatus } from '../../sweep/observe/status.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { packageVersion, pageFiles } from '../../system/package.js';
import { printJson } from '../action.js';
import { count } from '../quantities.js';
import type { ServeOptions } from './command.js';
import { FolderSource } from './folder-source.js';

/** Sweeps on one page. */
const mostSweeps = 50;
/** Seconds between two looks for sweeps that have begun. */
const newPause = 3;

/** Serves the page until the signal comes. @throws GvaError */
export async function servePage(
  names: readonly string[],
  options: ServeOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const [port, rules] = [portOf(options.port), rulesOf(options)];
  const sources = await namedSources(names);
  await using server = await LiveServer.listen({
    ...{ host: options.host, port, rules, assets: await liveAssets() },
    onBug: (error) => console.error('bug:', error),
  });
  const follows: Promise<void>[] = [];
  const follow = async (source: FolderSource) => {
    await source.look(signal).catch(() => undefined);
    server.add(source);
    follows.push(source.follow(signal));
  };
  for (const source of sources) await follow(source);
  if (names.length === 0) follows.push(followNew(follow, signal));
  tell(server, rules, options);
  await untilAborted(signal);
  await Promise.all(follows);
  return ExitCode.ok;
}

function portOf(text: string): number {
  const port = count('--port', text, 0);
  if (port < 65_536) return port;
  throw new GvaError('USAGE', `--port ${text} is no port`, { hint: '0 to 65535; 0 for one that is free' });
}

function rulesOf({
  host,
  view = isLoopback(host) ? 'anyone' : 'nobody',
  allowHost,
}: ServeOptions): AccessRules {
  if (view !== 'anyone' && view !== 'nobody')
    throw new GvaError('USAGE', `--view ${view}: say anyone or nobody`, {
      hint: 'For example: --view nobody',
    });
  return { token: makeToken(), open: view === 'anyone', ...namesOf(host, allowHost) };
}

async function namedSources(names: readonly string[]): Promise<FolderSource[]> {
  const folders = new Set<string>();
  for (const name of names) folders.add(resolve(await findSweep(name)));
  if (folders.size > mostSweeps)
    throw new GvaError('USAGE', `${folders.size} sweeps are too many for one page: it takes ${mostSweeps}`);
  return await Promise.all([...folders].map(sourceOf));
}

async function sourceOf(folder: string): Promise<FolderSource> {
  const seen = await readStatus(folder).catch(() => undefined);
  return new FolderSource(folder, seen?.status.name ?? basename(folder));
}

/** Takes up the sweeps of the user that run, now and whenever another one begins. */
async function followNew(
  follow: (source: FolderSource) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const known = new Set<string>();
  while (!signal.aborted) {
    for (const { folder } of await knownSweeps()) {
      if (known.has(folder) || known.size >= mostSweeps || !isSweepFolder(folder)) continue;
      const seen = await readStatus(folder).catch(() => undefined);
      if (!seen || seen.ended) continue;
      known.add(folder);
      await follow(await sourceOf(folder));
    }
    await setTimeout(newPause * 1000, undefined, { signal }).catch(() => undefined);
  }
}

/** @throws GvaError PAGE_MISSING */
async function liveAssets(): Promise<LiveAssets> {
  try {
    const files = [pageFiles.live, pageFiles.style, pageFiles.liveStyle];
    const [script = '', ...styles] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    return { html: livePage(packageVersion()), script, style: styles.join('') };
  } catch (error) {
    throw new GvaError('PAGE_MISSING', `the parts of the page are missing: ${messageOf(error)}`, {
      ...{ exitCode: ExitCode.infrastructure, cause: error },
      hint: 'They are made by the build of GVA: npm run build',
    });
  }
}

function tell(
  { port }: LiveServer,
  { token, open }: AccessRules,
  { host, json = false }: ServeOptions,
): void {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  const page = `http://${name.includes(':') ? `[${name}]` : name}:${port}/`;
  const url = `${page}?token=${token}`;
  if (json) {
    printJson({ url, view: open ? page : null, port });
    return;
  }
  console.log(url);
  if (!isLoopback(host))
    console.error(
      `warning: whoever reaches ${host} reaches this page, and what goes to it can be read on its way (no TLS)`,
    );
  console.error(
    open
      ? `who has no token may only look: ${page}`
      : 'who has no token sees nothing; --view anyone lets them look',
  );
  console.error('Ctrl-C ends the page; sweeps go on.');
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
