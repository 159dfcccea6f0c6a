import { readFile, writeFile } from 'node:fs/promises';
import { createOverlay, emptyOverlay } from '../../src/disk/qcow2/overlay.js';
import {
  type Capabilities,
  type Checkpoints,
  type Disk,
  type MachineSpec,
  type Templates,
  type VirtualMachine,
  runsOnly,
} from '../../src/vmm/driver.js';
import { FakeDriver } from '../../src/vmm/fake/driver.js';
import { type Supervised, startSupervised } from '../../src/vmm/supervisor.js';

/** Shell commands that play a guest, from its beginning and from where it was saved. */
export interface CheckpointScripts {
  readonly begin: string;
  readonly goOn: string;
}

/** A fake VMM whose machines can be saved; what it saves is a text. */
export class CheckpointDriver extends FakeDriver {
  override readonly capabilities: Capabilities = {
    ...runsOnly,
    ...{ maxCpus: 255, boots: ['direct'], templates: true, checkpoints: true },
  };
  readonly templates: Templates = { facts: () => Promise.resolve(this.facts) };
  facts: Record<string, string> = { qemu: '1' };
  /** Where set, the next checkpoint cannot be taken. */
  failure: Error | undefined;
  /** States that machines went on from. */
  readonly resumed: string[] = [];
  readonly #scripts: CheckpointScripts;

  constructor(scripts: CheckpointScripts) {
    super();
    this.#scripts = scripts;
  }

  override async start(spec: MachineSpec): Promise<VirtualMachine> {
    const { incoming, disks } = spec;
    if (incoming) this.resumed.push(await readFile(incoming.state, 'utf8'));
    else
      for (const { access, overlay, image, size } of disks)
        if (access === 'overlay') await createOverlay(overlay ?? '', image, size);
    const output = disks.find(({ id }) => id === 'output')?.image ?? '';
    const machine = await startSupervised({
      program: '/bin/sh',
      args: ['-c', incoming ? this.#scripts.goOn : this.#scripts.begin],
      env: { GVA_FAKE_ID: spec.id, GVA_FAKE_OUTPUT: output },
    });
    return {
      ...{ lines: machine.lines, console: machine.console, exited: machine.exited },
      kill: () => machine.kill(),
      quit: () => machine.kill(),
      write: (text) => machine.write(text),
      checkpoints: this.#checkpoints(machine, disks),
      [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
    };
  }

  #checkpoints(machine: Supervised, disks: readonly Disk[]): Checkpoints {
    const above = new Map<string, string[]>(disks.map(({ id }) => [id, []]));
    return {
      take: async (state, atRest) => {
        const { failure } = this;
        this.failure = undefined;
        await writeFile(state, 'half of a state', { flag: 'wx' });
        if (failure) throw failure;
        atRest();
        for (const { id, size, layers } of disks) {
          const free = layers?.find((file) => !above.get(id)?.includes(file));
          if (free === undefined) continue;
          await emptyOverlay(free, size);
          above.get(id)?.push(free);
        }
        await writeFile(state, 'a state');
        return { pause: 0.1, unfinished: machine.lines.unfinished };
      },
      settle: () => {
        for (const files of above.values()) while (files.length > 1) files.shift();
        return Promise.resolve();
      },
      above: (id) => [...(above.get(id) ?? [])],
    };
  }
}
