import type { PackageProblem } from '../../model/envelope.js';
import { formatSize } from '../../system/units.js';
import { parseManifest, type Manifest } from '../manifest.js';
import { shownName } from './member-name.js';
import type { MemberStore } from './member-store.js';
import { limitError, type PackageLimits } from './limits.js';
import { verifySignature, type Signature } from '../signature.js';

/** What the small members of a package say. */
export interface PackageFacts {
  readonly descriptor: Buffer;
  readonly manifest?: Manifest;
  readonly signature: Signature;
  readonly problems: readonly PackageProblem[];
}

/**
 * Reads the descriptor, the manifest and the certificate file.
 *
 * @throws GvaError PACKAGE_LIMIT
 */
export async function readFacts(store: MemberStore, limits: PackageLimits): Promise<PackageFacts> {
  const { descriptorName } = store;
  const descriptor = await readMember(store, descriptorName, limits, 'descriptor');
  const manifestFile = await companion(store, '.mf', limits);
  const certificateFile = await companion(store, '.cert', limits);
  const manifest = manifestFile && parseManifest(manifestFile.content, manifestFile.name);
  const signature: Signature = certificateFile
    ? verifySignature(certificateFile.content, manifestFile?.content)
    : { state: 'unsigned' };
  const problems = [
    ...store.problems,
    ...strangers(store, manifestFile?.name),
    ...(manifest?.problems ?? []),
    ...signatureProblems(signature, certificateFile?.name ?? descriptorName),
  ];
  return { descriptor, ...(manifest && { manifest }), signature, problems };
}

/** The manifest and the certificate file have the descriptor's name but for the extension (DSP0243 1.1.0, 5.1). */
async function companion(
  store: MemberStore,
  extension: string,
  limits: PackageLimits,
): Promise<{ name: string; content: Buffer } | undefined> {
  const stem = store.descriptorName.slice(0, -'.ovf'.length);
  for (const name of [stem + extension, stem + extension.toUpperCase()])
    if ((await store.find(name)) !== undefined)
      return { name, content: await readMember(store, name, limits, 'manifest') };
  return undefined;
}

async function readMember(
  store: MemberStore,
  name: string,
  limits: PackageLimits,
  limit: 'descriptor' | 'manifest',
): Promise<Buffer> {
  const source = await store.open(name);
  try {
    if (source.size <= limits[limit]) return await source.read(0, source.size);
    const sizes = `${formatSize(source.size)}, the limit is ${formatSize(limits[limit])}`;
    throw limitError(limit, `the member "${shownName(name)}" has ${sizes}`);
  } finally {
    await source.close();
  }
}

/** A manifest that is not looked at could be taken for one that is. */
function strangers({ members }: MemberStore, manifestName: string | undefined): PackageProblem[] {
  const others = [...members.keys()].filter((name) => /^[^/]+\.mf$/i.test(name) && name !== manifestName);
  return others.slice(0, 1).map((name) => ({
    severity: 'warning',
    place: name,
    message: 'not the manifest of this package, as its name is not the name of the descriptor: ignored',
  }));
}

function signatureProblems(signature: Signature, place: string): PackageProblem[] {
  if (signature.state === 'unsigned') return [];
  if (signature.state === 'invalid')
    return [{ severity: 'error', place, message: `the signature is not valid: ${signature.reason}` }];
  const { algorithm, certificate } = signature;
  const problems: PackageProblem[] = [];
  if (!certificate.current) {
    const day = (date: Date) => date.toISOString().slice(0, 10);
    const message = `the certificate is valid from ${day(certificate.notBefore)} to ${day(certificate.notAfter)} only`;
    problems.push({ severity: 'warning', place, message });
  }
  if (algorithm === 'SHA1')
    problems.push({ severity: 'warning', place, message: 'the signature is made with SHA1, which is weak' });
  return problems;
}
