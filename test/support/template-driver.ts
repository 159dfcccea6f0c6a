import { readFile, writeFile } from 'node:fs/promises';
import {
  type Capabilities,
  type MachineSpec,
  type Templates,
  type VirtualMachine,
  runsOnly,
} from '../../src/vmm/driver.js';
import { FakeDriver, doneScript, guestScript } from '../../src/vmm/fake/driver.js';
import { startSupervised } from '../../src/vmm/supervisor.js';

export interface TemplateScripts {
  /** Plays a guest that becomes a template. */
  readonly template: string;
  /** Plays a clone; it can read its wake line from descriptor 4. */
  readonly clone: string;
  /** Plays a clone that is rehearsed, waits, and is woken once more. */
  readonly member: string;
  readonly cold: string;
}

/** Says that it is awake, and of that what is asked for: `$5` is the instance's id. */
export const wakes = (fields = 'reseeded=1 clock=1 flushed=1') =>
  `read -r line <&4; set -- $line; echo "@gva1 wake t=1 ${fields} id=$5" >&4\n`;

export const idle = guestScript(['boot t=0.01 contract=1', 'idle t=0.02 template=1']);
export const idleAfterBefore = guestScript(['boot t=0.01 contract=1', 'idle t=0.02 template=app']);

/** Says that its rehearsal is over, and that it waits. */
export const rehearsed = guestScript(['script-start t=1 name=50-autorun', 'idle t=1 template=1']);

const good: TemplateScripts = {
  template: `${idle}sleep 100`,
  clone: wakes() + doneScript,
  member: wakes() + rehearsed + wakes() + doneScript,
  cold: doneScript,
};

/** A fake VMM that can save machines: what it saves is `content`. */
export class TemplateDriver extends FakeDriver {
  override readonly capabilities: Capabilities = {
    ...runsOnly,
    ...{ maxCpus: 255, boots: ['direct'], templates: true, exchange: true },
  };
  readonly templates: Templates = { facts: () => Promise.resolve(this.facts) };
  facts: Record<string, string> = { qemu: '1' };
  scripts: TemplateScripts;
  /** What was started, in order. */
  readonly started: ('template' | 'clone' | 'member' | 'cold')[] = [];
  readonly specs: MachineSpec[] = [];
  /** Of each clone: bytes of its root overlay's backing file and of its memory file. */
  readonly seen: string[] = [];
  /** Ids of machines that were started. */
  readonly ids: string[] = [];
  /** Machines that are rehearsed, by id. */
  readonly members = new Map<string, VirtualMachine>();
  /** Of each exchange: the machine's id, and the images that it got by disk. */
  readonly exchanged: { readonly id: string; readonly images: Record<string, string> }[] = [];
  /** What keeps a machine from getting other disks. */
  exchangeError: Error | undefined;

  constructor(scripts: Partial<TemplateScripts> = {}) {
    super();
    this.scripts = { ...good, ...scripts };
  }

  override async start(spec: MachineSpec): Promise<VirtualMachine> {
    const clone = spec.exchange ? 'member' : 'clone';
    const kind = spec.saveSocket !== undefined ? 'template' : spec.incoming ? clone : 'cold';
    this.started.push(kind);
    this.specs.push(spec);
    this.ids.push(spec.id);
    if (kind === 'template')
      for (const { id, overlay } of spec.disks)
        if (overlay !== undefined) await writeFile(overlay, `${id} of the template`);
    if (kind === 'clone') {
      const memory = (await readFile(spec.memoryFile?.file ?? '')).subarray(0, 6).toString();
      this.seen.push([memory, await readFile(spec.incoming?.state ?? '', 'utf8')].join());
    }
    const machine = await startSupervised({
      program: '/bin/sh',
      args: ['-c', this.scripts[kind]],
      env: { GVA_FAKE_ID: spec.id },
    });
    const started: VirtualMachine = {
      ...{ lines: machine.lines, console: machine.console, exited: machine.exited },
      kill: () => machine.kill(),
      quit: () => machine.kill(),
      write: (text) => machine.write(text),
      saveState: async (file) => {
        await writeFile(spec.memoryFile?.file ?? '', 'memory', { flag: 'r+' });
        await writeFile(file, 'state');
      },
      replaceDisks: (disks) => {
        if (this.exchangeError) return Promise.reject(this.exchangeError);
        const images = Object.fromEntries(disks.map(({ id, image }) => [id, image]));
        this.exchanged.push({ id: spec.id, images });
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
    };
    if (kind === 'member') this.members.set(spec.id, started);
    return started;
  }
}
