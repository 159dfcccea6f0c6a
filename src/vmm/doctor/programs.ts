import { umlProgram } from '../../base/uml-host.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { findProgram } from '../../system/process.js';
import { type QemuInstallation, findQemu } from '../qemu/installation.js';
import { ask } from './ask.js';

/** A monitor's program that is on this machine, or why it cannot be used. */
export type Found<T> =
  | { readonly found: T; readonly problem?: never }
  | { readonly found?: never; readonly problem?: { readonly reason: string; readonly hint: string } };

export interface UmlInstallation {
  readonly program: string;
  readonly version: string;
}

/** The monitors of this machine. */
export interface Programs {
  readonly qemu: Found<QemuInstallation>;
  readonly uml: Found<UmlInstallation>;
}

/** @param folder with a QEMU of the user's own */
export async function lookForPrograms(folder?: string): Promise<Programs> {
  return { qemu: await lookForQemu(folder), uml: await lookForUml() };
}

async function lookForQemu(folder?: string): Promise<Found<QemuInstallation>> {
  try {
    const found = await findQemu(folder);
    return found ? { found } : {};
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    return { problem: { reason: messageOf(error), hint: error.hint ?? '' } };
  }
}

async function lookForUml(): Promise<Found<UmlInstallation>> {
  const program = await findProgram(umlProgram());
  if (program === undefined) return {};
  const { status, text } = await ask(program, ['--version']);
  const version = text.trim();
  if (status === 0 && /^\d+\.\d+\S*$/.test(version)) return { found: { program, version } };
  return {
    problem: {
      reason: `${program} --version ${status === null ? 'does not answer' : 'tells no kernel release'}`,
      hint: 'Name a User-mode Linux kernel in GVA_UML_KERNEL, or unset it.',
    },
  };
}
