import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/package.js';
import { requireTool } from '../support/tools.js';

/** DMTF's schemas, which are beside the checkout and no part of it. */
const folder = join(packageRoot, '../shared/ovf/xsd');

export const schemas = {
  envelope110: join(folder, 'vcd-1.1.0/dsp8023_1.1.0.xsd'),
  envelope111: join(folder, 'xen-orchestra-1.1.1/dsp8023_1.1.1.xsd'),
  environment110: join(folder, 'vcd-1.1.0/dsp8027_1.1.0.xsd'),
} as const;

/** For `it.skipIf`: part of the test's name says why. */
export const withoutSchemas = !existsSync(folder);
export const needsSchemas = withoutSchemas ? ' [no ../shared/ovf/xsd here]' : '';

/** The schemas import one another under two names. */
const harmless = / validates$|: Skipping import of schema located at /;

/** What xmllint says against the documents, name to text; each must be well-formed, and valid under the schema. */
export async function xmllint(documents: Readonly<Record<string, string>>, schema?: string): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'gva-xml-'));
  try {
    const files = Object.keys(documents);
    for (const file of files) await writeFile(join(scratch, file), documents[file] ?? '');
    const options = ['--nonet', '--noout', ...(schema === undefined ? [] : ['--schema', schema])];
    const { status, stderr } = spawnSync(requireTool('xmllint'), [...options, ...files], {
      cwd: scratch,
      encoding: 'utf8',
      env: { ...process.env, XML_CATALOG_FILES: join(folder, 'catalog.xml') },
    });
    const complaints = stderr.split('\n').filter((line) => line !== '' && !harmless.test(line));
    if (status !== 0 && complaints.length === 0) complaints.push(`xmllint ended with ${status}`);
    return complaints.join('\n');
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
