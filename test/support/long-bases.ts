import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Base, loadBase } from '../../src/base/store.js';
import { debianBase } from './debian-base.js';
import { foreignDebianDisk } from './foreign-disk.js';
import { gva, temporaryFolder } from './gva.js';

/** Runs a command that makes a base, and gives that. */
async function made(name: string, ...args: string[]): Promise<Base> {
  const { code, stderr } = await gva(['base', ...args], {}, undefined, 880);
  if (code !== 0) throw new Error(`gva base ${args.join(' ')}: ${stderr}`);
  return loadBase(name);
}

/** A disk of Debian that knew nothing of GVA, adopted with GVAD installed by its login. */
export async function adoptedBase(): Promise<Base> {
  await using folder = await temporaryFolder();
  const disk = foreignDebianDisk(await debianBase('systemd'), folder.path);
  return await made('test-adopted', 'add', disk, '--name', 'test-adopted', '--install-gvad');
}

/** A base that a recipe made upon Debian. */
export async function recipeBase(): Promise<Base> {
  await using folder = await temporaryFolder();
  const { name } = await debianBase('quick');
  const steps = '  - packages: [bc]\n  - run: echo made >/etc/made\n';
  await writeFile(join(folder.path, 'base.yaml'), `name: test-recipe\nfrom: ${name}\nsteps:\n${steps}`);
  return await made('test-recipe', 'build', folder.path);
}
