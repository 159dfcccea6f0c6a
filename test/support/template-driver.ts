import { readFile, writeFile } from 'node:fs/promises';
import type { Capabilities, MachineSpec, Templates, VirtualMachine } from '../../src/vmm/driver.js';
import { FakeDriver, doneScript, guestScript } from '../../src/vmm/fake/driver.js';
import { startSupervised } from '../../src/vmm/supervisor.js';

export interface TemplateScripts {
  /** Plays a guest that becomes a template. */
  readonly template: string;
  /** Plays a clone; it can read its wake line from descriptor 4. */
  readonly clone: string;
  readonly cold: string;
}

/** Says that it is awake, and of that what is asked for: `$5` is the instance's id. */
export const wakes = (fields = 'reseeded=1 clock=1 flushed=1') =>
  `read -r line <&4; set -- $line; echo "@gva1 wake t=1 ${fields} id=$5" >&4\n`;

export const idle = guestScript(['boot t=0.01 contract=1', 'idle t=0.02 template=1']);

const good: TemplateScripts = { template: `${idle}sleep 100`, clone: wakes() + doneScript, cold: doneScript };

/** A fake VMM that can save machines: what it saves is `content`. */
export class TemplateDriver extends FakeDriver {
  override readonly capabilities: Capabilities = {
    ...{ maxCpus: 255, boots: ['direct'], shutdown: false, templates: true, checkpoints: false },
  };
  readonly templates: Templates = { facts: () => Promise.resolve(this.facts) };
  facts: Record<string, string> = { qemu: '1' };
  scripts: TemplateScripts;
  /** What was started, in order. */
  readonly started: ('template' | 'clone' | 'cold')[] = [];
  /** Of each clone: bytes of its root overlay's backing file and of its memory file. */
  readonly seen: string[] = [];

  constructor(scripts: Partial<TemplateScripts> = {}) {
    super();
    this.scripts = { ...good, ...scripts };
  }

  override async start(spec: MachineSpec): Promise<VirtualMachine> {
    const kind = spec.saveSocket !== undefined ? 'template' : spec.incoming ? 'clone' : 'cold';
    this.started.push(kind);
    const root = spec.disks.find(({ id }) => id === 'root');
    if (kind === 'template') await writeFile(root?.overlay ?? '', 'root of the template');
    if (kind === 'clone') {
      const memory = (await readFile(spec.memoryFile?.file ?? '')).subarray(0, 6).toString();
      this.seen.push([memory, await readFile(spec.incoming?.state ?? '', 'utf8')].join());
    }
    const machine = await startSupervised({
      program: '/bin/sh',
      args: ['-c', this.scripts[kind]],
      env: { GVA_FAKE_ID: spec.id },
    });
    return {
      ...{ lines: machine.lines, console: machine.console, exited: machine.exited },
      kill: () => machine.kill(),
      quit: () => machine.kill(),
      write: (text) => machine.write(text),
      saveState: async (file) => {
        await writeFile(spec.memoryFile?.file ?? '', 'memory', { flag: 'r+' });
        await writeFile(file, 'state');
      },
      [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
    };
  }
}
