import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GvaError, messageOf } from '../system/errors.js';
import { listTree } from '../system/folder-digest.js';
import { applianceFiles } from '../system/paths.js';
import { autorunName } from './autorun.js';
import { launcherOf } from './images.js';
import type { ApplianceFolder } from './load.js';

/**
 * The launcher of an appliance folder as text.
 *
 * @param templateFile used instead of the folder's own launcher and of GVA's template
 */
export async function launcherText(source: ApplianceFolder, templateFile?: string): Promise<string> {
  const entries = await listTree(join(source.folder, applianceFiles.app));
  if (templateFile === undefined) return launcherOf(source, entries);
  const template = await readFile(templateFile, 'utf8').catch((error: unknown) => {
    throw new GvaError('TEMPLATE_INVALID', `cannot read the template ${templateFile}: ${messageOf(error)}`);
  });
  return launcherOf(source, entries, template);
}

/**
 * Has a person change the launcher in the editor that VISUAL or EDITOR names (POSIX.1-2017, XBD 8.3), else vi.
 *
 * @throws GvaError EDITOR_FAILED where it could not be started or ended with an error: nothing is packed then
 */
export async function editedLauncher(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gva-edit-'));
  const file = join(folder, autorunName);
  try {
    await writeFile(file, text, { mode: 0o700 });
    await edit(process.env['VISUAL'] ?? process.env['EDITOR'] ?? 'vi', file);
    const edited = await readFile(file, 'utf8');
    if (!edited.startsWith('#!'))
      throw new GvaError('TEMPLATE_INVALID', 'the launcher must begin with #! and its interpreter');
    return edited;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The variable may hold a command with options, which only a shell takes apart. */
function edit(editor: string, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
    const failed = (why: string) => reject(new GvaError('EDITOR_FAILED', `the editor ${editor} ${why}`));
    child.once('error', (error) => failed(`could not be started: ${error.message}`));
    child.once('exit', (code) => (code === 0 ? resolve() : failed(`ended with status ${code ?? '?'}`)));
  });
}
