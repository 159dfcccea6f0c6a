import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDirectBase } from '../src/base/store.js';
import { packagesFolder } from '../src/system/paths.js';
import { type Benchmark, type Figure, ratios, timed } from './benchmark.js';
import { execute, gva, inTemporaryFolder } from './gva.js';

const rounds = 3;

/** A Debian with Python, made anew; and one more package where a layer has all the others. */
export const baseDebian: Benchmark = {
  name: 'base-debian',
  title: 'a Debian base with python3',
  onlyNamed: true,
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  // What was fetched before stays; bases and layers are of this benchmark alone.
  const packages = packagesFolder();
  const [data, cache] = [join(folder, 'data'), join(folder, 'cache')];
  await mkdir(join(cache, 'gva'), { recursive: true });
  await execute('ln', ['-s', packages, join(cache, 'gva/packages')]);
  Object.assign(process.env, { XDG_DATA_HOME: data, XDG_CACHE_HOME: cache });
  await gva('base', 'build', 'micro');
  const built = await timed(() => gva(...buildPython));
  const exported = join(folder, 'python.gva-base');
  await gva('base', 'export', 'python', '-o', exported);
  const base = await loadDirectBase('python');
  const direct = [base.files.root, base.files.kernel, base.files.initrd].map(({ name }) => `'${name}'`);
  const pack = `tar -C '${base.folder}' -c --sparse ${direct.join(' ')} | xz -6 -T0 | wc -c`;
  const { stdout } = await execute('sh', ['-c', pack]);
  return [
    { what: 'building it, packages fetched before', unit: 's', samples: [built], target: 360 },
    { what: 'exported', unit: 'MB', samples: [(await stat(exported)).size / 1e6], target: 120 },
    {
      what: 'compressed (tar, xz), for direct boot',
      unit: 'MB',
      samples: [Number(stdout) / 1e6],
      target: 120,
    },
    ...(await onePackageMore(folder)),
  ];
}

const buildPython = ['base', 'build', 'debian:bookworm', '--packages', 'python3', '--name', 'python'];

/** Against a guest that is booted, installs the same package on its own root file system, and ends. */
async function onePackageMore(folder: string): Promise<Figure[]> {
  const recipe = join(folder, 'recipe');
  await mkdir(recipe);
  const build = async (name: string, ...packages: string[]) => {
    const text = `name: ${name}\nfrom: python\nsteps:\n  - packages: [${packages.join(', ')}]\n`;
    await writeFile(join(recipe, 'base.yaml'), text);
    return timed(() => gva('base', 'build', recipe));
  };
  await build('layered', 'bc');
  // The package is fetched, and its layer is thrown away.
  await build('warm-up', 'bc', 'time');
  const appliance = await installer(folder);
  const samples = { more: [] as number[], run: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    await forgetLayer(folder, 'time');
    samples.more.push(await build(`more-${round}`, 'bc', 'time'));
    const out = join(folder, `out-${round}`);
    samples.run.push(await timed(() => gva('run', appliance, '--start', 'cold', '--out', out)));
  }
  const { more, run } = samples;
  return [
    { what: 'one package more than a layer has', unit: 's', samples: more },
    { what: 'gva run that installs the same package: installation and boot', unit: 's', samples: run },
    { what: 'the one against the other', unit: 'x', samples: ratios(more, run) },
  ];
}

/** An appliance on the base of the layer that installs what is missing. */
async function installer(folder: string): Promise<string> {
  const appliance = join(folder, 'installer');
  await mkdir(join(appliance, 'app'), { recursive: true });
  const file = (await readdir(packagesFolder())).find((name) => /^time_.*\.deb$/.test(name));
  if (file === undefined) throw new Error('the package time was not fetched');
  await copyFile(join(packagesFolder(), file), join(appliance, 'app/time.deb'));
  const script = '#!/bin/sh\ndpkg -i /app/time.deb && time true\n';
  await writeFile(join(appliance, 'app/job.sh'), script, { mode: 0o755 });
  await writeFile(join(appliance, 'gva.yaml'), 'name: installer\nbase: layered\nrun: ./job.sh\n');
  return appliance;
}

async function forgetLayer(folder: string, name: string): Promise<void> {
  const layers = join(folder, 'cache/gva/layers');
  await execute('sh', [
    '-c',
    `grep -l '"${name}"' '${layers}'/*/layer.json | xargs -r dirname | xargs -r rm -r`,
  ]);
}
