import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSigner, verifySignature } from '../../src/ovf/signature.js';
import { run, scratch } from '../disk/ext4-fixture.js';

const manifest = Buffer.from(`SHA256(x.ovf)= ${'a'.repeat(64)}\n`);
const openssl = (...args: string[]) => run('openssl', args);

interface KeyPair {
  key: string;
  certificate: string;
  paths: { key: string; certificate: string };
}

const kinds = {
  own: ['rsa:2048'],
  other: ['rsa:2048'],
  elliptic: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  edwards: ['ed25519'],
};

let keys: string;
const pairs = new Map<string, KeyPair>();
beforeAll(() => {
  keys = mkdtempSync(join(tmpdir(), 'gva-keys-'));
});
afterAll(() => rmSync(keys, { recursive: true, force: true }));

/** A key and its certificate of thirty days, by openssl; made once, as RSA keys take their time. */
function keyPair(name: keyof typeof kinds): KeyPair {
  const known = pairs.get(name);
  if (known !== undefined) return known;
  const paths = { key: join(keys, `${name}.key`), certificate: join(keys, `${name}.pem`) };
  const subject = name === 'edwards' ? '/' : `/O=Grid, Inc/CN=${name}`;
  openssl('req', '-x509', '-newkey', ...kinds[name], '-nodes', '-keyout', paths.key, '-out', paths.certificate, '-days', '30', '-subj', subject); // prettier-ignore
  const read = (path: string) => readFileSync(path, 'utf8');
  const pair = { key: read(paths.key), certificate: read(paths.certificate), paths };
  pairs.set(name, pair);
  return pair;
}

/** The certificate file that a person makes by hand. */
function certificateFile(folder: string, pair: KeyPair, algorithm = 'SHA256'): Buffer {
  writeFileSync(join(folder, 'x.mf'), manifest);
  const digest = `-${algorithm.toLowerCase()}`;
  openssl('dgst', digest, '-sign', pair.paths.key, '-out', join(folder, 'signature'), join(folder, 'x.mf'));
  const hex = readFileSync(join(folder, 'signature')).toString('hex');
  return Buffer.from(`${algorithm}(x.mf)= ${hex}\n${pair.certificate}`);
}

describe('signing', () => {
  test.each(['SHA256', 'SHA1', 'SHA512'] as const)('openssl verifies %s', (algorithm) => {
    const folder = scratch();
    const pair = keyPair('own');
    const signer = createSigner({ ...pair, algorithm });
    const file = signer.sign('x.mf', manifest);
    expect(file.length).toBe(signer.size('x.mf'));
    const [, name, hex = '', pem = ''] = /^SHA\d+\((.*)\)= ([0-9a-f]+)\n([^]*)$/.exec(file.toString()) ?? [];
    expect(name).toBe('x.mf');
    expect(pem).toBe(pair.certificate);
    writeFileSync(join(folder, 'signature'), Buffer.from(hex, 'hex'));
    writeFileSync(join(folder, 'x.mf'), manifest);
    writeFileSync(
      join(folder, 'public'),
      openssl('x509', '-in', pair.paths.certificate, '-noout', '-pubkey'),
    );
    const verified = openssl('dgst', `-${algorithm.toLowerCase()}`, '-verify', join(folder, 'public'), '-signature', join(folder, 'signature'), join(folder, 'x.mf')); // prettier-ignore
    expect(verified).toContain('Verified OK');
    expect(verifySignature(file, manifest)).toMatchObject({ state: 'valid', algorithm });
  });

  test('a chain follows', () => {
    const pair = keyPair('own');
    const other = keyPair('other');
    const signer = createSigner({
      ...pair,
      certificate: `some text\n${pair.certificate}\r\n${other.certificate}`,
    });
    const file = signer.sign('x.mf', manifest);
    expect(file.toString().endsWith(pair.certificate + other.certificate)).toBe(true);
    expect(signer.certificate.chain).toBe(1);
    expect(() => createSigner({ ...pair, certificate: other.certificate + pair.certificate })).toThrow(/not that of the key/); // prettier-ignore
  });

  test('a key with a passphrase', () => {
    const pair = keyPair('own');
    const locked = openssl('rsa', '-in', pair.paths.key, '-aes256', '-passout', 'pass:secret');
    const signer = createSigner({ ...pair, key: locked, passphrase: 'secret' });
    expect(verifySignature(signer.sign('x.mf', manifest), manifest).state).toBe('valid');
    expect(() => createSigner({ ...pair, key: locked })).toThrow(expect.objectContaining({ code: 'SIGN_KEY', hint: expect.stringContaining('passphrase') as string })); // prettier-ignore
    expect(() => createSigner({ ...pair, key: locked, passphrase: 'wrong' })).toThrow(/cannot be read/);
  });

  test('other keys, and what is none', () => {
    const pair = keyPair('elliptic');
    const signKey = expect.objectContaining({ code: 'SIGN_KEY' }) as Error;
    expect(() => createSigner(pair)).toThrow(signKey);
    expect(() => createSigner({ ...pair, key: 'none' })).toThrow(signKey);
    const rsa = keyPair('own');
    const signCertificate = expect.objectContaining({ code: 'SIGN_CERTIFICATE' }) as Error;
    expect(() => createSigner({ ...rsa, certificate: 'none' })).toThrow(signCertificate);
    expect(() => createSigner({ ...rsa, certificate: rsa.certificate.replace(/M/g, 'N') })).toThrow(
      signCertificate,
    );
  });
});

describe('verifying', () => {
  test.each(['SHA1', 'SHA256', 'SHA384', 'SHA512'])('what openssl signed with %s', (algorithm) => {
    const folder = scratch();
    const pair = keyPair('own');
    const file = certificateFile(folder, pair, algorithm);
    const fingerprint = openssl('x509', '-in', pair.paths.certificate, '-noout', '-fingerprint', '-sha256');
    const signature = verifySignature(file, manifest);
    expect(signature).toMatchObject({
      state: 'valid',
      algorithm,
      certificate: { subject: 'O=Grid\\, Inc, CN=own', issuer: 'O=Grid\\, Inc, CN=own', selfSigned: true, current: true, chain: 0 }, // prettier-ignore
    });
    const facts = signature.state === 'valid' ? signature.certificate : undefined;
    expect(fingerprint.trim()).toMatch(new RegExp(`=${facts?.fingerprint ?? ''}$`));
    expect(facts!.notAfter.getTime() - facts!.notBefore.getTime()).toBe(30 * 86_400_000);
  });

  test('ECDSA, CRLF, and blocks of other kinds', () => {
    const folder = scratch();
    const pair = keyPair('elliptic');
    const file = certificateFile(folder, pair).toString();
    const odd = `-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n${file}`.replaceAll('\n', '\r\n');
    expect(verifySignature(Buffer.from(odd), manifest).state).toBe('valid');
  });

  test('outside its time, and not of its own making', () => {
    const folder = scratch();
    const authority = keyPair('other');
    const request = join(folder, 'request');
    openssl('req', '-new', '-key', keyPair('own').paths.key, '-out', request, '-subj', '/CN=own');
    const own = join(folder, 'own.pem');
    openssl('x509', '-req', '-in', request, '-CA', authority.paths.certificate, '-CAkey', authority.paths.key, '-set_serial', '1', '-days', '30', '-out', own); // prettier-ignore
    const signer = createSigner({
      ...keyPair('own'),
      certificate: readFileSync(own),
    });
    expect(signer.certificate).toMatchObject({ subject: 'CN=own', selfSigned: false, current: true });
    const at = (days: number) => verifySignature(signer.sign('x.mf', manifest), manifest, new Date(Date.now() + days * 86_400_000)); // prettier-ignore
    expect(at(31)).toMatchObject({ state: 'valid', certificate: { current: false } });
    expect(at(-1)).toMatchObject({ state: 'valid', certificate: { current: false } });
  });

  test('what is not valid', () => {
    const folder = scratch();
    const pair = keyPair('own');
    const other = keyPair('other');
    const file = certificateFile(folder, pair).toString();
    const reason = (text: string, signed: Buffer | undefined = manifest) => {
      const signature = verifySignature(Buffer.from(text), signed);
      return signature.state === 'invalid' ? signature.reason : signature.state;
    };
    expect(reason(file)).toBe('valid');
    expect(reason(file, Buffer.concat([manifest, Buffer.from('\n')]))).toMatch(/not what was signed/);
    expect(reason(file.replace('SHA256', 'SHA512'))).toMatch(/not what was signed/);
    expect(reason(file.replace(/= ./, '= '))).toMatch(/not what was signed/);
    expect(reason(file.replace(pair.certificate, other.certificate))).toMatch(/not what was signed/);
    expect(reason(file.replace('SHA256(', 'SHA256 '))).toMatch(/no line/);
    expect(reason(file.replace('SHA256', 'MD5'))).toMatch(/MD5/);
    expect(reason(file.slice(0, 600))).toMatch(/certificate cannot be read/);
    expect(reason(file.replace('-\nMII', '-\nMIX'))).toMatch(/certificate cannot be read: /);
    expect(reason('')).toMatch(/certificate cannot be read/);
    expect(verifySignature(Buffer.from(file), undefined)).toMatchObject({ state: 'invalid', certificate: { subject: expect.stringContaining('own') as string } }); // prettier-ignore
  });

  test('a key that signs no digests', () => {
    const file = Buffer.from(`SHA256(x.mf)= abcd\n${keyPair('edwards').certificate}`);
    expect(verifySignature(file, manifest)).toMatchObject({ state: 'invalid', certificate: { subject: '', selfSigned: true } }); // prettier-ignore
  });
});
