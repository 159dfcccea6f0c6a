import { chmod } from 'node:fs/promises';
import type { Command } from 'commander';
import { ExitCode, GvaError } from '../system/errors.js';
import { act } from './action.js';

interface GvadOptions {
  readonly out: string;
  readonly deb?: boolean;
  readonly cd?: boolean;
}

export function addGvadCommand(program: Command): void {
  program
    .command('gvad')
    .description('write an installer of GVAD, which makes a system a base image')
    .requiredOption('-o, --out <file>', 'file to write')
    .option('--deb', 'a Debian package instead of a shell script')
    .option('--cd', 'a CD image with the script on it, for a machine without a network')
    .addHelpText(
      'after',
      `
The script is for Linux with systemd, OpenRC or sysvinit, and BSD with rc.d. Inside the system, as root:
  sh install.sh          sh install.sh --uninstall

Examples:
  gva gvad -o install.sh
  gva gvad --deb -o gvad.deb
  gva gvad --cd -o gvad.iso`,
    )
    .action((options: GvadOptions) => act(false, () => writeInstaller(options)));
}

async function writeInstaller({ out, deb = false, cd = false }: GvadOptions): Promise<ExitCode> {
  if (deb && cd)
    throw new GvaError('USAGE', 'one file is either a package or a CD', { hint: 'Call it twice.' });
  if (deb) {
    const { writeGvadPackage } = await import('../base/gvad/deb.js');
    await writeGvadPackage(out);
    return ExitCode.ok;
  }
  const { writeFileAtomically } = await import('../system/files.js');
  if (cd) {
    const { installerDisc } = await import('../base/gvad/disc.js');
    await writeFileAtomically(out, await installerDisc());
    return ExitCode.ok;
  }
  const { oneFileInstaller } = await import('../base/gvad/files.js');
  await writeFileAtomically(out, await oneFileInstaller());
  await chmod(out, 0o755);
  return ExitCode.ok;
}
