import { readFile } from 'node:fs/promises';
import { guestFile } from '../../system/package.js';

/** What the installer puts into a system, by its name beside `install.sh`; paths below guest/. */
const sources = {
  gvad: 'gvad',
  'gvad-ovf-env': 'gvad-ovf-env',
  'gvad.service': 'install/gvad.service',
  'gvad.openrc': 'install/gvad.openrc',
  'gvad.sysvinit': 'install/gvad.sysvinit',
  'gvad.bsd': 'install/gvad.bsd',
  'gvad.rcconf': 'install/gvad.rcconf',
} as const;

export type InstallerFile = keyof typeof sources;

export const installerFiles = Object.keys(sources) as InstallerFile[];

export const installerFile = (name: InstallerFile): Promise<string> =>
  readFile(guestFile(sources[name]), 'utf8');

/** How install.sh reads what is beside it; an installer of one file has it all inside. */
const besideIt = /^content\(\) \{[^]*?^#@CONTENT@\n/m;

/** The installer with all that it installs, as one POSIX shell script. */
export async function oneFileInstaller(): Promise<string> {
  const script = await readFile(guestFile('install/install.sh'), 'utf8');
  const cases: string[] = [];
  for (const name of installerFiles) {
    const text = await installerFile(name);
    cases.push(`\t${name})\n\t\tcat <<'${endOf(text)}'\n${text}${endOf(text)}\n\t\t;;\n`);
  }
  return script.replace(
    besideIt,
    () => `content() {\n\tcase $1 in\n${cases.join('')}\t*) false ;;\n\tesac\n}\n`,
  );
}

/** Ends a here-document: a line that the text does not have. */
function endOf(text: string): string {
  const lines = text.split('\n');
  for (let end = 'END_OF_FILE'; ; end += '_') if (!lines.includes(end)) return end;
}
