import { chmod, mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { openExt4 } from '../disk/ext4/index.js';
import { type ExtractionReport, extractTree } from '../disk/extract.js';
import type { Finding } from '../disk/findings.js';
import { openRaw } from '../disk/source.js';
import type { DiskRole } from '../model/envelope.js';
import { GvaError, errnoOf, messageOf } from '../system/errors.js';
import { ensureFolder, freshSibling, readTextIfExists } from '../system/files.js';
import { digestFolder } from '../system/folder-digest.js';
import { applianceFiles, imagesFolder } from '../system/paths.js';
import { autorunName } from './autorun.js';
import { launcherOf, packedManifest } from './images.js';
import { loadAppliance } from './load.js';
import { packageDisk } from './package/disks.js';
import { type OpenAppliancePackage, openAppliancePackage } from './package/open.js';

/**
 * Makes the appliance folder again that a package of GVA's was packed from: packed again, it gives the same bytes.
 * Where the package has another launcher than gva.yaml would give, the folder gets an autorun.sh. The folder appears
 * whole or not at all.
 *
 * @returns what of the package's content could not be brought out as it is
 * @throws GvaError UNPACK_EXISTS, UNPACK_FOREIGN for packages that GVA did not make
 */
export async function unpackAppliance(
  path: string,
  target: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  await using pkg = await openAppliancePackage(path, { signal });
  if (!pkg.isGva)
    throw new GvaError('UNPACK_FOREIGN', `${path} was not packed by GVA: there is no folder to make again`, {
      hint: `Its disks: gva convert ${path} --to raw DIR`,
    });
  if (existsSync(target)) throw new GvaError('UNPACK_EXISTS', `${target} exists already`);
  const folder = await freshSibling(resolve(target));
  try {
    await ensureFolder(dirname(resolve(target)));
    await mkdir(folder);
    const findings = await fillFolder(pkg, folder, signal);
    await rename(folder, resolve(target));
    return findings;
  } catch (error) {
    throw error instanceof GvaError
      ? error
      : new GvaError('UNPACK', `cannot make ${target}: ${messageOf(error)}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fillFolder(
  pkg: OpenAppliancePackage,
  folder: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const app = join(folder, applianceFiles.app);
  const reports = [await bringOut(pkg, 'app', app, signal)];
  const combined = pkg.envelope.disks.every(({ role }) => role !== 'data') && existsSync(join(app, 'data'));
  const packed = await readTextIfExists(join(app, packedManifest));
  const script = await readTextIfExists(join(app, 'script-bin', autorunName));
  if (packed === undefined || script === undefined)
    throw new GvaError('UNPACK_FOREIGN', `${pkg.path} does not have what its folder could be made from`);
  await writeFile(join(folder, applianceFiles.manifest), packed);
  await removeGenerated(app);
  if (pkg.envelope.disks.some(({ role }) => role === 'data'))
    reports.push(await bringOut(pkg, 'data', join(folder, applianceFiles.data), signal));
  else if (combined) await rename(join(app, 'data'), join(folder, applianceFiles.data));
  if (pkg.envelope.disks.every(({ role }) => role !== 'output'))
    await rm(join(app, 'output'), { recursive: true, force: true });
  await keepLauncher(folder, script);
  return reports.flatMap(({ findings }) => findings);
}

async function bringOut(
  pkg: OpenAppliancePackage,
  role: DiskRole,
  target: string,
  signal: AbortSignal,
): Promise<ExtractionReport> {
  const disk = pkg.envelope.disks.find((each) => each.role === role);
  if (!disk) throw new GvaError('UNPACK_FOREIGN', `${pkg.path} has no ${role} disk`);
  const { file } = await packageDisk(pkg, disk, signal);
  await using source = await openRaw(file);
  return await extractTree(await openExt4(source), target, {
    signal,
    // Where the file system keeps what it finds without a name.
    skip: (name) => name === 'lost+found',
  });
}

async function removeGenerated(app: string): Promise<void> {
  await rm(join(app, '.gva'), { recursive: true, force: true });
  const scripts = join(app, 'script-bin');
  await rm(join(scripts, autorunName), { force: true });
  // It stays if the application brought scripts of its own.
  await removeIfEmpty(scripts);
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
  });
}

async function keepLauncher(folder: string, script: string): Promise<void> {
  const source = await loadAppliance(folder);
  const app = await digestFolder(join(folder, applianceFiles.app), await ensureFolder(imagesFolder()));
  if ((await launcherOf(source, app.entries)) === script) return;
  const file = join(folder, applianceFiles.launcher);
  await writeFile(file, script);
  await chmod(file, 0o755);
}
