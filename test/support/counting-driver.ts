import type { MachineSpec, VirtualMachine } from '../../src/vmm/driver.js';
import { FakeDriver } from '../../src/vmm/fake/driver.js';

/** A fake VMM that counts its machines. */
export class CountingDriver extends FakeDriver {
  running = 0;
  most = 0;
  readonly ids: string[] = [];

  override async start(spec: MachineSpec): Promise<VirtualMachine> {
    const machine = await super.start(spec);
    this.ids.push(spec.id);
    this.most = Math.max(this.most, ++this.running);
    void machine.exited.then(() => this.running--);
    return machine;
  }
}
