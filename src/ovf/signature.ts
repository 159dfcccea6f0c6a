import { createPrivateKey, sign, verify, X509Certificate, type KeyObject } from 'node:crypto';
import { printable } from '../disk/findings.js';
import { GvaError, messageOf } from '../system/errors.js';
import type { DigestAlgorithm } from './digest.js';
import { digestLine, linesOf, parseDigestLine } from './manifest.js';

/** What a certificate says; that its names are true is known only to who trusts its issuer. */
export interface CertificateFacts {
  /** `CN=..., O=...`. */
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` shows it. */
  readonly fingerprint: string;
  readonly selfSigned: boolean;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether now is between the two. */
  readonly current: boolean;
  /** Certificates that follow it in the file. */
  readonly chain: number;
}

/**
 * What the certificate file proves. `valid`: who has the certificate's key signed this manifest. It is for people to
 * say whether they trust that certificate: there is no list of authorities.
 */
export type Signature =
  | { readonly state: 'unsigned' }
  | {
      readonly state: 'valid';
      readonly algorithm: DigestAlgorithm;
      readonly certificate: CertificateFacts;
      /** The signer's, then those that follow it in the file. */
      readonly certificates: readonly X509Certificate[];
    }
  | { readonly state: 'invalid'; readonly reason: string; readonly certificate?: CertificateFacts };

/**
 * Verifies a certificate file (DSP0243 1.1.0, 5.1): a line `SHA256(NAME.mf)= HEX`, the signature of the manifest,
 * and the signer's certificate as PEM, with its chain. RSA signatures are PKCS #1 v1.5; ECDSA ones (DER), which the
 * standard does not know, are taken as well. MD5 is refused: two manifests with one digest are made in seconds.
 */
export function verifySignature(file: Buffer, manifest: Buffer | undefined, now = new Date()): Signature {
  const certificates = certificatesIn(file.toString('latin1'));
  if (certificates instanceof Error || certificates[0] === undefined)
    return invalid(
      `its certificate cannot be read${certificates instanceof Error ? `: ${certificates.message}` : ''}`,
    );
  const [signer, ...chain] = certificates;
  const certificate = factsOf(signer, chain.length, now);
  const line = linesOf(file).map(parseDigestLine).find(Boolean);
  if (line === undefined) return invalid('it has no line with a signature', certificate);
  if (manifest === undefined) return invalid('there is no manifest that it could sign', certificate);
  if (line.algorithm === 'MD5') return invalid('it is made with MD5, which proves nothing', certificate);
  const { algorithm } = line;
  if (!isSignature(algorithm, manifest, signer, Buffer.from(line.digest, 'hex')))
    return invalid('the manifest is not what was signed', certificate);
  return { state: 'valid', algorithm, certificate, certificates };
}

function invalid(reason: string, certificate?: CertificateFacts): Signature {
  return { state: 'invalid', reason, ...(certificate && { certificate }) };
}

/** A key of a kind that signs no digests is no error: its signature is not right. */
function isSignature(
  algorithm: DigestAlgorithm,
  manifest: Buffer,
  signer: X509Certificate,
  signature: Buffer,
): boolean {
  try {
    return verify(algorithm, manifest, signer.publicKey, signature);
  } catch {
    return false;
  }
}

/** Certificates of a chain that are read. */
const LONGEST_CHAIN = 10;

/** All in a text of PEM; an error where one cannot be read. */
export function certificatesIn(text: string): X509Certificate[] | Error {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.slice(0, LONGEST_CHAIN).map((block) => new X509Certificate(block));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function factsOf(certificate: X509Certificate, chain: number, now: Date): CertificateFacts {
  const notBefore = new Date(certificate.validFrom);
  const notAfter = new Date(certificate.validTo);
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    fingerprint: certificate.fingerprint256,
    selfSigned: isSelfSigned(certificate),
    notBefore,
    notAfter,
    current: notBefore <= now && now <= notAfter,
    chain,
  };
}

/** Node gives one attribute a line, with a backslash before commas within, and nothing at all for an empty name. */
function nameText(name: string | undefined): string {
  const lines = (name ?? '')
    .split('\n')
    .map((line) => printable(Buffer.from(line)).replaceAll('\\x5c', '\\'));
  return lines.join(', ');
}

function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}

export interface SigningOptions {
  /** PEM. */
  readonly key: string | Buffer;
  readonly passphrase?: string;
  /** PEM; those of the chain may follow the signer's own. */
  readonly certificate: string | Buffer;
  /** SHA256 where absent. */
  readonly algorithm?: Exclude<DigestAlgorithm, 'MD5'>;
}

export interface Signer {
  readonly certificate: CertificateFacts;
  /** Bytes of the certificate file for a manifest of this name, for reserving its place. */
  size(manifestName: string): number;
  /** The certificate file for a manifest. */
  sign(manifestName: string, manifest: Uint8Array): Buffer;
}

/**
 * Prepares signing. RSA keys only: the standard and the importers know no other signatures.
 *
 * @throws GvaError SIGN_KEY for a key that cannot be used, SIGN_CERTIFICATE for a certificate that is none or not
 *   the key's
 */
export function createSigner({ key, passphrase, certificate, algorithm = 'SHA256' }: SigningOptions): Signer {
  const privateKey = readKey(key, passphrase);
  const certificates = certificatesIn(certificate.toString('latin1'));
  if (certificates instanceof Error || certificates[0] === undefined)
    throw new GvaError('SIGN_CERTIFICATE', 'there is no certificate as PEM to sign with');
  const [signer, ...chain] = certificates;
  if (!signer.checkPrivateKey(privateKey))
    throw new GvaError('SIGN_CERTIFICATE', 'the certificate to sign with is not that of the key', {
      hint: "Where the file has a chain, the signer's own certificate must be the first.",
    });
  const pem = certificates.map(pemOf).join('');
  const fileFor = (name: string, manifest: Uint8Array) => {
    const signature = signed(algorithm, manifest, privateKey);
    return Buffer.from(digestLine(algorithm, name, signature.toString('hex')) + pem);
  };
  return {
    certificate: factsOf(signer, chain.length, new Date()),
    size: (name) => fileFor(name, Buffer.alloc(0)).length, // an RSA signature is as long as its key
    sign: fileFor,
  };
}

const pemOf = (certificate: X509Certificate) => `${certificate.toString().trimEnd()}\n`;

function readKey(key: string | Buffer, passphrase: string | undefined): KeyObject {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key, format: 'pem', ...(passphrase !== undefined && { passphrase }) });
  } catch (error) {
    throw new GvaError('SIGN_KEY', `the key to sign with cannot be read: ${messageOf(error)}`, {
      hint: 'It must be a private key as PEM; where it is encrypted its passphrase is needed.',
      cause: error,
    });
  }
  if (privateKey.asymmetricKeyType === 'rsa') return privateKey;
  throw new GvaError(
    'SIGN_KEY',
    `a key of the kind ${privateKey.asymmetricKeyType ?? '?'} cannot sign packages`,
    {
      hint: 'Importers know RSA signatures only: openssl req -x509 -newkey rsa:3072 -nodes -keyout KEY -out CERTIFICATE',
    },
  );
}

function signed(algorithm: DigestAlgorithm, manifest: Uint8Array, key: KeyObject): Buffer {
  try {
    return sign(algorithm, manifest, key);
  } catch (error) {
    throw new GvaError('SIGN_KEY', `the manifest cannot be signed: ${messageOf(error)}`, { cause: error });
  }
}
