import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GvaError, errnoOf, messageOf } from '../system/errors.js';
import { ensureFolder, freshSibling } from '../system/files.js';

const manifest = (name: string) => `name: ${name}
version: 1.0.0
base: micro                              # a base image: gva base build micro
hardware: { cpus: 1, memory: 256M }
run: ./job.sh $(cat /cdrom/param)        # a shell command line; PATH has /app first, working directory /output
parameters:
  n: { type: int, default: 7, min: 0, label: "side" }
output: { size: 64M }
`;

const job = `#!/bin/sh
# Gets the values of the parameters as words. What it leaves in the working folder, /output, comes home.
n=$1
echo "the square of $n is $((n * n))"
echo "area=$((n * n))" >result.txt
`;

const plan = `appliance: .                             # the folder of this plan
parameters:
  n: { range: [1, 4] }                   # inclusive; an optional third number is the step
`;

/** Makes a new appliance folder; one that is there is left alone unless it is empty. */
export async function createAppliance(dir: string): Promise<void> {
  const target = resolve(dir);
  const there = await readdir(target).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw cannotMake(dir, error);
  });
  if (there.length > 0) throw new GvaError('INIT_EXISTS', `${dir} exists and is not empty`);
  const name = basename(target)
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  const folder = await freshSibling(target);
  try {
    await ensureFolder(dirname(target));
    await mkdir(folder);
    await mkdir(join(folder, 'app'));
    await writeFile(join(folder, 'gva.yaml'), manifest(name === '' ? 'appliance' : name));
    await writeFile(join(folder, 'plan.yaml'), plan);
    await writeFile(join(folder, 'app/job.sh'), job);
    await chmod(join(folder, 'app/job.sh'), 0o755);
    await rename(folder, target);
  } catch (error) {
    throw cannotMake(dir, error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const cannotMake = (dir: string, error: unknown) =>
  new GvaError('INIT', `cannot make ${dir}: ${messageOf(error)}`, { cause: error });
