import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Envelope } from '../../src/model/envelope.js';
import { hardwareOf } from '../../src/ovf/hardware.js';
import { openPackage } from '../../src/ovf/package.js';
import { readDescriptor } from '../../src/ovf/read-descriptor.js';
import { GvaError } from '../../src/system/errors.js';
import { formatSize } from '../../src/system/units.js';
import { corpusFolder } from './foreign-fixture.js';

/** What is said of one file of the corpus. */
export interface Saying {
  readonly path: string;
  readonly accepted: boolean;
  /** Errors of one that is refused; of one that is accepted the machine it describes, and warnings. */
  readonly said: readonly string[];
}

export async function sayingOf(path: string): Promise<Saying> {
  try {
    const envelope = path.endsWith('.ova') ? await readOva(path) : readPlain(path);
    const messages = (kind: string) =>
      envelope.problems
        .filter(({ severity }) => severity === kind)
        .map(({ place, message }) => `${place.replace(/^.*:/, 'line ')}: ${message}`);
    const errors = messages('error');
    if (errors.length > 0) return { path, accepted: false, said: errors };
    return { path, accepted: true, said: [...machinesOf(envelope), ...messages('warning')] };
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    // What the message begins with is the path on this machine.
    return { path, accepted: false, said: [error.message.replace(/^.*\/(?=[^/]*$)/, '')] };
  }
}

function readPlain(path: string): Envelope {
  return readDescriptor(readFileSync(join(corpusFolder, path)), path.replace(/^.*\//, ''));
}

async function readOva(path: string): Promise<Envelope> {
  await using files = await openPackage(join(corpusFolder, path));
  return readDescriptor(files.descriptor, files.descriptorName);
}

function machinesOf(envelope: Envelope): string[] {
  return envelope.systems.map((system) => {
    const { cpus, memory, disks, firmware } = hardwareOf(system, envelope);
    const parts = [
      `${cpus} CPU`,
      formatSize(memory),
      `${disks.length} ${disks.length === 1 ? 'disk' : 'disks'}`,
    ];
    return [...parts, ...(firmware === 'uefi' ? ['UEFI'] : [])].join(', ');
  });
}

/** Path to who made the file. */
export function producers(): ReadonlyMap<string, string> {
  const [head = '', ...rows] = readFileSync(join(corpusFolder, 'sources.tsv'), 'utf8').split('\n');
  const column = head.split('\t').indexOf('producing_tool');
  return new Map(rows.map((row) => row.split('\t')).map((cells) => [cells[0] ?? '', cells[column] ?? '']));
}

const introduction = `# Foreign packages

What GVA says of descriptors that others wrote: tools and tests of VMware, VirtualBox, Cisco and more. The files are
no part of this project but lie in a folder beside its checkout. \`test/ovf/foreign-packages.test.ts\` reads them all
and compares this page with what is said now; with \`GVA_UPDATE_DOCS=1\` it writes the page.

How to read the table:

- **accepted**: the descriptor has no error. What is said then is the machine that it asks for, and warnings: what
  is odd, or is left out. Whether the package can be run is known when its files are there, too.
- **refused**: it has errors, or cannot be read. What is said then are the errors.
- **accepted: ...** is said of those that their producers refuse, or call invalid, and GVA does not; it tells why not.
- **refused: ...** is said of those that the schema accepts, or that are tests of something else.
- Lists are cut after two. \`gva inspect\` tells of every problem.

Warnings that files are outside of the package are left out: many of these tests share disks in another folder.
`;

/** The page; `remarks` say why a file is judged differently than its name or its producer suggests. */
export function pageOf(sayings: readonly Saying[], remarks: Readonly<Record<string, string>>): string {
  const makers = producers();
  const rows = sayings.map(({ path, accepted, said }) => {
    const verdict = accepted ? 'accepted' : 'refused';
    const remark = remarks[path];
    const cells = [
      path.replace(LONG, '.../'),
      (makers.get(path) ?? '').replace(' (published in govmomi)', ''),
      remark === undefined ? verdict : `${verdict}: ${remark}`,
      shortened(said.filter((message) => !message.includes('is outside of the package'))),
    ];
    return `| ${cells.map((cell) => cell.replace(/[|\\<>*_`]/g, '\\$&')).join(' | ')} |`;
  });
  const table = ['| file | made by | verdict | what is said |', '| --- | --- | --- | --- |', ...rows];
  const note = 'In paths, `...` stands for `govmomi/external/OVFToolTemplates/OVF/xmltestfiles`.';
  const guarded = ['<!-- prettier-ignore-start -->', '', ...table, '', '<!-- prettier-ignore-end -->'];
  const refused = sayings.filter(({ accepted }) => !accepted).length;
  const count = `Of ${sayings.length} files ${refused} are refused.`;
  return `${introduction}\n${note} ${count}\n\n${guarded.join('\n')}\n`;
}

const LONG = 'govmomi/external/OVFToolTemplates/OVF/xmltestfiles/';

function shortened(all: readonly string[]): string {
  const messages = [...new Set(all)];
  const [first = '', second] = messages;
  const more = messages.length > 2 ? [`and ${messages.length - 2} more`] : [];
  return [first, ...(second === undefined ? [] : [second]), ...more].join('; ');
}
