import { constants } from 'node:os';
import { expect } from 'vitest';
import type { VirtualMachine, VmmExit } from '../../src/vmm/driver.js';

/**
 * Fails unless the VMM ended in good order.
 *
 * User-mode Linux may abort once its kernel has halted: a signal of its timer then finds no kernel any more (its
 * `main` in arch/um/os-Linux/main.c knows of that). All that the guest wrote is on its disks by then.
 */
export function expectGoodEnd(
  driver: string,
  { console }: VirtualMachine,
  { status, stderr }: VmmExit,
): void {
  const halted = driver === 'uml' && console.lastLines(1).join('').endsWith('reboot: System halted');
  const good = halted ? [0, 128 + constants.signals.SIGABRT] : [0];
  expect(good, `${console.lastLines(10).join('\n')}\n${stderr}`).toContain(status);
}
