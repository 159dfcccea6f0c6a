import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDirectBase } from '../src/base/store.js';
import { umlProgram } from '../src/base/uml-host.js';
import { cpioArchive } from '../src/disk/cpio.js';
import { findProgram } from '../src/system/process.js';
import { kernelCommandLine, processorModel } from '../src/vmm/qemu/arguments.js';
import { type Benchmark, type Figure, alternate, ratios, timed } from './benchmark.js';
import { writeEmptyAppliance } from './empty-appliance.js';
import { execute, gva, inTemporaryFolder, readResult } from './gva.js';

const rounds = 9;

/** `gva run` of an appliance that does nothing, against the same kernel with an init that powers off. */
export const coldStart: Benchmark = {
  name: 'cold-start',
  title: 'an appliance that does nothing, cold, from command to collected result',
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const { appliance } = await writeEmptyAppliance(folder, 1);
  const run = (vmm: string) => async () => {
    const out = join(folder, vmm);
    return timed(() => gva('run', appliance, '--vmm', vmm, '--out', out, '--force'));
  };
  const bare = await bareKernels(folder);
  const samples = await alternate(rounds, {
    uml: run('uml'),
    bareUml: bare.uml,
    qemu: run('qemu'),
    bareQemu: bare.qemu,
    plainQemu: bare.plainQemu,
  });
  const { accelerator } = (await readResult(join(folder, 'qemu'))).vmm;
  const written = async (vmm: string) => [(await readResult(join(folder, vmm))).scratchBytes / 1e6];
  return [
    { what: 'gva run, User-mode Linux', unit: 's', samples: samples.uml, target: 1.2 },
    {
      what: 'the kernel alone, to power-off, User-mode Linux',
      unit: 's',
      samples: samples.bareUml,
      reference: true,
    },
    overhead('(gva run - 0.2 s) / the kernel alone, User-mode Linux', 0.2, samples.uml, samples.bareUml),
    { what: `gva run, QEMU (${accelerator})`, unit: 's', samples: samples.qemu, target: 3 },
    {
      what: `the kernel alone, to power-off, QEMU (${accelerator})`,
      unit: 's',
      samples: samples.bareQemu,
      reference: true,
    },
    {
      what: 'the same with the processor and the kernel command line that are usual',
      unit: 's',
      samples: samples.plainQemu,
      reference: true,
    },
    overhead('(gva run - 0.3 s) / the kernel alone, QEMU', 0.3, samples.qemu, samples.bareQemu),
    overhead('the same, usual processor and command line', 0.3, samples.qemu, samples.plainQemu),
    {
      what: 'allocated on disk by a run, User-mode Linux',
      unit: 'MB',
      samples: await written('uml'),
      target: 1,
    },
    { what: 'allocated on disk by a run, QEMU', unit: 'MB', samples: await written('qemu'), target: 1 },
  ];
}

/** What GVA adds to a kernel's own time: at most 0.3 times that and a constant. */
function overhead(what: string, constant: number, ours: readonly number[], bare: readonly number[]): Figure {
  const samples = ratios(
    ours.map((seconds) => seconds - constant),
    bare,
  );
  return { what, unit: 'x', samples, target: 1.3 };
}

/** The same kernels, started by hand with an initrd whose init powers off at once. */
export async function bareKernels(folder: string, memory = '256M') {
  const base = await loadDirectBase('micro');
  const initrd = join(folder, 'initrd');
  const busybox = (await findProgram('busybox')) ?? '/bin/busybox';
  const init = Buffer.from('#!/bin/busybox sh\nexec /bin/busybox poweroff -f\n');
  const file = (path: string, content: Buffer) => ({ kind: 'file' as const, path, mode: 0o755, content });
  const entries = [file('bin/busybox', await readFile(busybox)), file('init', init)];
  await writeFile(initrd, cpioArchive([{ kind: 'directory', path: 'bin' }, ...entries]));
  const kernel = join(base.folder, base.files.kernel.name);
  const machine = 'q35,sata=off,smbus=off,usb=off,vmport=off,smm=off,i8042=off,graphics=off';
  const qemu = (model: string, append: string) => [
    ...['-machine', machine, '-accel', 'tcg', '-cpu', model, '-m', memory, '-nodefaults', '-no-user-config'],
    ...['-display', 'none', '-no-reboot', '-kernel', kernel, '-initrd', initrd, '-append', append],
  ];
  const run = (args: readonly string[]) => timed(() => execute('qemu-system-x86_64', args));
  const tuned = kernelCommandLine('tcg').replace('console=ttyS1', '');
  const raid = 'initcall_blacklist=raid6_select_algo,calibrate_xor_blocks,register_xor_blocks';
  const uml = [
    `initrd=${initrd}`,
    `mem=${memory}`,
    'quiet',
    'con=null',
    'con0=null,fd:1',
    'ssl=null',
    `uml_dir=${folder}/`,
    raid,
  ];
  const env = { ...process.env, TMPDIR: '/dev/shm' };
  return {
    qemu: () => run(qemu(processorModel('tcg'), tuned)),
    plainQemu: () => run(qemu('max', 'quiet panic=-1')),
    uml: () => timed(() => execute(umlProgram(), uml, { env })),
  };
}
