import { readFile } from 'node:fs/promises';
import type { ApplianceManifest } from '../model/appliance.js';
import { GvaError } from '../system/errors.js';
import { guestFile } from '../system/package.js';

/** Name of the generated script: what a user's own script-bin holds can sort before it or after it. */
export const autorunName = '50-autorun';

/**
 * The launcher in the application disk's script-bin. `before`, `run` and `after` run in one shell, in the
 * output folder, each only if the one before it succeeded; the first failure is the script's status.
 *
 * @param inApp whether the application folder has a file of that relative path
 * @param template text with `@BEFORE@`, `@RUN@` and `@AFTER@`, each on a line of its own, and `@TITLE@` anywhere
 * @throws GvaError TEMPLATE_INVALID where the command has no place in the template
 */
export function autorunScript(
  appliance: ApplianceManifest,
  inApp: (path: string) => boolean,
  template: string,
): string {
  const steps = {
    BEFORE: step('before', appliance.before, inApp) + (appliance.warm === undefined ? '' : beginning),
    RUN: step('run', appliance.run, inApp),
    AFTER: step('after', appliance.after, inApp),
  };
  if (!/^@RUN@$/m.test(template))
    throw new GvaError('TEMPLATE_INVALID', 'the template has no line @RUN@, where the command goes', {
      hint: 'Lines of their own: @BEFORE@, @RUN@, @AFTER@; anywhere: @TITLE@.',
    });
  return template
    .replace(/^@(BEFORE|RUN|AFTER)@\n?/gm, (_, name: keyof typeof steps) => steps[name])
    .replaceAll('@TITLE@', () => `${appliance.name} ${appliance.version}`.replaceAll(/\s/g, ' '));
}

/** Where GVAD has the launcher of a template wait (docs/guest-contract.md, "What is done once"). */
const beginning = `
# The instance begins. Where it is a clone, what is above was done before, once for many.
[ -z "\${GVA_BEGIN:-}" ] || . "$GVA_BEGIN"
`;

/** The template that is used where no other is given. */
export const defaultTemplate = () => readFile(guestFile('autorun.template'), 'utf8');

function step(title: string, commandLine: string | undefined, inApp: (path: string) => boolean): string {
  if (commandLine === undefined) return '';
  return `\n# ${title}\n{\n${atApp(commandLine, inApp)}\n} || exit\n`;
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
