import type { Appliance } from '../model/appliance.js';

/** Name of the generated script: what a user's own script-bin holds can sort before it or after it. */
export const autorunName = '50-autorun';

/**
 * The launcher in the application disk's script-bin. `before`, `run` and `after` run in one shell, in the
 * output folder, each only if the one before it succeeded; the first failure is the script's status.
 *
 * @param inApp whether the application folder has a file of that relative path
 */
export function autorunScript(appliance: Appliance, inApp: (path: string) => boolean): string {
  const step = (title: string, commandLine: string | undefined) =>
    commandLine === undefined ? [] : ['', `# ${title}`, '{', atApp(commandLine, inApp), '} || exit'];
  return [
    '#!/bin/sh',
    `# Made by GVA from the gva.yaml of ${appliance.name} ${appliance.version.replaceAll(/\s/g, ' ')}.`,
    'app=${GVA_APP:-/app}',
    'PATH=$app:$PATH',
    'export PATH',
    ...step('before', appliance.before),
    ...step('run', appliance.run),
    ...step('after', appliance.after),
    '',
  ].join('\n');
}

/**
 * The command line with `./NAME` as the file of that name on the application disk, where there is one: people
 * write `run: ./job.sh`, and the working folder is the output disk.
 */
export function atApp(commandLine: string, inApp: (path: string) => boolean): string {
  return commandLine.replace(
    /(^|[\s;|&("'`])\.\/([^\s;|&()<>"'`$\\]+)/gm,
    (all, before: string, path: string) => (inApp(path) ? `${before}"$app"/${path}` : all),
  );
}

/** The first word of a command line, if it is a plain word: `./job.sh`, `python3`. */
export function firstWord(commandLine: string): string | undefined {
  return /^\s*([^\s;|&()<>"'`$\\={}]+)(?=[\s;|&<>]|$)/.exec(commandLine)?.[1];
}
