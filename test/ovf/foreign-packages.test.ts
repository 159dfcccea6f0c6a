import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { corpusFiles, needsCorpus, withoutCorpus } from './foreign-fixture.js';
import { type Saying, pageOf, sayingOf } from './foreign-page.js';

const templates = 'govmomi/external/OVFToolTemplates/OVF/xmltestfiles';
const page = join(packageRoot, 'docs/foreign-packages.md');

/** Files that are called invalid and are not refused. */
const harmless: Readonly<Record<string, string>> = {
  [`${templates}/DiskSection/Neg/dup_filerefs.ovf`]:
    'no rule forbids two disks with the same contents; each gets a copy',
  [`${templates}/DiskSection/Neg/invalid_delta_reference_disk.ovf`]:
    'nothing is wrong with the descriptor but with the disk, which is refused when it is opened',
  [`${templates}/DiskSection/Neg/not_in_order_disks.ovf`]:
    'disks may be listed in any order; that of their addresses counts',
  [`${templates}/Envelope/Neg/bare_minimal.ovf`]: 'what is missing is a text for people (Info)',
  [`${templates}/Envelope/Neg/gzip_compression.ovf`]: 'compression by gzip is allowed, and understood',
  [`${templates}/Envelope/Neg/identity_compression.ovf`]:
    'identity is a compression that is allowed, and understood',
  [`${templates}/Envelope/Neg/invalid_no_version.ovf`]: 'the namespace already tells the version of OVF',
  [`${templates}/HttpLocators/Neg/valid_no_disk.ovf`]:
    'what is wrong is that the disk is missing, which is an error when the package is opened',
  [`${templates}/HttpLocators/Neg/valid_no_disk_in_server.ovf`]:
    'what is wrong is that the disk is missing, which is an error when the package is opened',
};

const template = 'a template, whose places nobody has filled in';
const sizes = 'made to break readers by its sizes';

/** Files that are refused although nobody calls them invalid. */
const refused: Readonly<Record<string, string>> = {
  'glance/testserver-no-ovf.ova': 'made without a descriptor',
  'image-builder/ovf_template.xml': template,
  ...Object.fromEntries(
    [10, 11, 13, 15, 17, 18, 19, 20, 21].map((n) => [`open-vmdk/template-hw${n}.ovf`, template]),
  ),
  'govmomi/external/security-test-content/ovf/large-disk/haoUnOS2VMs.ovf': sizes,
  'govmomi/external/security-test-content/ovf/negative-size-disk/haoUnOS2VMs.ovf': sizes,
  'govmomi/external/security-test-content/ovf/out-of-bounds-disk/haoUnOS2VMs.ovf': sizes,
  'govmomi/external/standard_ovas/parentDisk/parentDisk.ovf': 'delta disks are not read',
};

const isNegative = (path: string) => path.includes('/Neg/');

describe.skipIf(withoutCorpus)(`descriptors of other tools${needsCorpus}`, () => {
  let sayings: Saying[] = [];
  beforeAll(async () => {
    sayings = await Promise.all(corpusFiles().map(sayingOf));
  });
  const pathsOf = (choose: (saying: Saying) => boolean) => sayings.filter(choose).map(({ path }) => path);

  it('all are read', () => {
    expect(sayings.length).toBeGreaterThan(130);
    expect(sayings.filter(({ said }) => said.length === 0)).toEqual([]);
  });

  it('valid ones are accepted', () => {
    const wrongly = pathsOf(({ path, accepted }) => !accepted && !isNegative(path));
    expect(wrongly).toEqual(Object.keys(refused).sort());
  });

  it('invalid ones are refused, or there is a reason why not', () => {
    const wrongly = pathsOf(({ path, accepted }) => accepted && isNegative(path));
    expect(wrongly).toEqual(Object.keys(harmless).sort());
  });

  it('docs/foreign-packages.md tells what is said now', () => {
    const now = pageOf(sayings, { ...harmless, ...refused });
    if (process.env['GVA_UPDATE_DOCS']) writeFileSync(page, now);
    expect(readFileSync(page, 'utf8'), 'GVA_UPDATE_DOCS=1 writes the page').toBe(now);
  });
});
