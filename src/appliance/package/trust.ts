import { X509Certificate } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageProblem } from '../../model/envelope.js';
import type { PackageFiles } from '../../ovf/package.js';
import { certificatesIn } from '../../ovf/signature.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { trustFolders } from '../../system/paths.js';

/** @throws GvaError SIGNATURE_SETTING where GVA_REQUIRE_SIGNATURE says anything but yes, no or nothing */
export function isSignatureRequired(): boolean {
  const value = process.env['GVA_REQUIRE_SIGNATURE'] ?? '';
  if (['', 'no'].includes(value)) return false;
  if (value === 'yes') return true;
  throw new GvaError('SIGNATURE_SETTING', `GVA_REQUIRE_SIGNATURE says ${JSON.stringify(value)}`, {
    hint: 'It may say yes or no, or nothing.',
  });
}

/**
 * Why a package is not one that somebody who is trusted has signed; nothing where it is, or need not be. The signature
 * must be valid and, as all digests of the manifest, at least SHA-256; the signer's certificate must be in the trust
 * store, or issued by one that is there, over certificates of the package. All of them must be valid today.
 *
 * @throws GvaError TRUST_STORE where the store cannot be read
 */
export async function trustProblems(
  { signature, manifest, descriptorName: place }: PackageFiles,
  now = new Date(),
): Promise<PackageProblem[]> {
  const refused = (why: string): PackageProblem[] => [
    { severity: 'error', place, message: `a trusted signature is required: ${why}` },
  ];
  if (signature.state === 'unsigned') return refused('it is not signed');
  if (signature.state === 'invalid') return refused(signature.reason);
  const weak = [signature.algorithm, ...(manifest?.entries ?? []).map(({ algorithm }) => algorithm)].find(
    (algorithm) => !strong.has(algorithm),
  );
  if (weak !== undefined) return refused(`${weak} can be forged`);
  const why = whyUntrusted(signature.certificates, await trustedCertificates(), now);
  return why === undefined ? [] : refused(why);
}

const strong: ReadonlySet<string> = new Set(['SHA256', 'SHA384', 'SHA512']);

/** @param chain the signer's certificate, then others, in any order */
function whyUntrusted(
  [signer, ...others]: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  now: Date,
): string | undefined {
  let at = signer;
  const left = [...others];
  while (at) {
    const certificate = at;
    if (!isCurrent(certificate, now)) return `${nameOf(certificate)} is not valid today`;
    if (trusted.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256)) return undefined;
    const issuer = trusted.find((each) => hasIssued(each, certificate));
    if (issuer) return isCurrent(issuer, now) ? undefined : `${nameOf(issuer)} is not valid today`;
    const next = left.findIndex((each) => hasIssued(each, certificate));
    if (next < 0) break;
    [at] = left.splice(next, 1);
  }
  return `nobody in the trust store vouches for the certificate ${signer?.fingerprint256 ?? '?'}`;
}

const nameOf = ({ fingerprint256 }: X509Certificate) => `the certificate ${fingerprint256}`;

const isCurrent = ({ validFrom, validTo }: X509Certificate, now: Date) =>
  new Date(validFrom) <= now && now <= new Date(validTo);

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** Of all PEM files in the folders of the store, the user's and the site's. */
async function trustedCertificates(): Promise<X509Certificate[]> {
  const found: X509Certificate[] = [];
  for (const folder of trustFolders())
    for (const name of await namesIn(folder)) {
      const file = join(folder, name);
      const certificates = await readFile(file, 'latin1').then(certificatesIn).catch(asError);
      if (certificates instanceof Error) throw unreadable(file, certificates);
      found.push(...certificates);
    }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.pem')).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw unreadable(folder, error);
  }
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));

const unreadable = (path: string, error: unknown) =>
  new GvaError('TRUST_STORE', `${path} of the trust store cannot be read: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'It must be certificates as PEM. Nothing is trusted before it is.',
    cause: error,
  });
