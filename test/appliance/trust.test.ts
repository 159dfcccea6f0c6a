import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { examinePackage } from '../../src/appliance/package/examine.js';
import { trustProblems } from '../../src/appliance/package/trust.js';
import { loadSource } from '../../src/appliance/source.js';
import { createSigner } from '../../src/ovf/signature.js';
import { type TestHome, makeTestHome, squareManifest, writeAppliance } from '../support/fake-appliance.js';
import { installFakeBase, packFolder, runProgram } from '../support/packages.js';

let home: TestHome;
let folder: string;
let ova: string;
beforeEach(async () => {
  home = await makeTestHome();
  vi.stubEnv('XDG_CONFIG_HOME', at('config'));
  vi.stubEnv('GVA_REQUIRE_SIGNATURE', 'yes');
  await installFakeBase();
  folder = await writeAppliance(home.folder, squareManifest);
  ova = at('square.ova');
  return () => home[Symbol.asyncDispose]();
});

const at = (name: string) => join(home.folder, name);

/** A key and its certificate, of its own or issued by another one. */
async function makeKey(name: string, issuer?: string, extension = 'basicConstraints=critical,CA:FALSE') {
  const [key, cert] = [at(`${name}.key`), at(`${name}.pem`)];
  const subject = ['-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert];
  const issued = issuer === undefined ? [] : ['-CA', at(`${issuer}.pem`), '-CAkey', at(`${issuer}.key`)];
  await runProgram('openssl', ['req', '-x509', ...subject, ...issued, '-addext', extension, '-days', '30']);
}
const authority = 'basicConstraints=critical,CA:TRUE';

async function trust(...names: string[]): Promise<void> {
  await rm(at('config/gva/trust'), { recursive: true, force: true });
  await mkdir(at('config/gva/trust'), { recursive: true });
  for (const name of names)
    await writeFile(at(`config/gva/trust/${name}.pem`), await readFile(at(`${name}.pem`)));
}

async function sign(name: string, chain: string[] = [], algorithm: 'SHA256' | 'SHA1' = 'SHA256') {
  const certificates = await Promise.all([name, ...chain].map((each) => readFile(at(`${each}.pem`))));
  const signer = createSigner({
    key: await readFile(at(`${name}.key`)),
    certificate: Buffer.concat(certificates),
  });
  await packFolder(folder, ova, { signer, algorithm });
}

const refused = (why: string) => ({
  code: 'PACKAGE_REFUSED',
  message: expect.stringContaining(`a trusted signature is required: ${why}`) as string,
});

describe('where a signature is required, a package', () => {
  test('without one is refused, and a folder is not', async () => {
    await packFolder(folder, ova, {});
    await expect(loadSource(ova)).rejects.toMatchObject(refused('it is not signed'));
    await expect(loadSource(folder)).resolves.toMatchObject({ kind: 'folder' });
    vi.stubEnv('GVA_REQUIRE_SIGNATURE', 'no');
    await expect(loadSource(ova)).resolves.toMatchObject({ kind: 'package' });
  });

  test('by somebody who is trusted is taken, by nobody else', async () => {
    await makeKey('ada');
    await makeKey('eve');
    await sign('ada');
    await expect(loadSource(ova)).rejects.toMatchObject(refused('nobody in the trust store vouches'));
    await trust('eve');
    await expect(loadSource(ova)).rejects.toMatchObject(refused('nobody in the trust store vouches'));
    await trust('eve', 'ada');
    await expect(loadSource(ova)).resolves.toMatchObject({ kind: 'package' });
  });

  test('by a certificate that a trusted one has issued, over others in the package, is taken', async () => {
    await makeKey('root', undefined, authority);
    await makeKey('middle', 'root', authority);
    await makeKey('ada', 'middle');
    await trust('root');
    await sign('ada', ['middle']);
    await expect(loadSource(ova)).resolves.toMatchObject({ kind: 'package' });
    await sign('ada');
    await expect(loadSource(ova)).rejects.toMatchObject(refused('nobody in the trust store vouches'));
    await trust('middle');
    await expect(loadSource(ova)).resolves.toMatchObject({ kind: 'package' });
  });

  test('by a certificate that was issued by one that may issue none is refused', async () => {
    await makeKey('ada');
    await makeKey('eve', 'ada');
    await trust('ada');
    await sign('eve', ['ada']);
    await expect(loadSource(ova)).rejects.toMatchObject(refused('nobody in the trust store vouches'));
  });

  test('with digests that can be forged, or out of its time, is refused', async () => {
    await makeKey('ada');
    await trust('ada');
    await sign('ada', [], 'SHA1');
    await expect(loadSource(ova)).rejects.toMatchObject(refused('SHA1 can be forged'));
    await sign('ada');
    await using pkg = await examinePackage(ova);
    const later = new Date(Date.now() + 40 * 86_400_000);
    expect(await trustProblems(pkg.files, later)).toMatchObject([
      { severity: 'error', message: expect.stringContaining('not valid today') as string },
    ]);
  });

  test('is refused as long as the store cannot be read', async () => {
    await makeKey('ada');
    await sign('ada');
    await trust('ada');
    await writeFile(
      at('config/gva/trust/bad.pem'),
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    );
    await expect(loadSource(ova)).rejects.toMatchObject({ code: 'TRUST_STORE' });
  });
});

test('the setting may say nothing else', async () => {
  await packFolder(folder, ova, {});
  vi.stubEnv('GVA_REQUIRE_SIGNATURE', 'perhaps');
  await expect(loadSource(ova)).rejects.toMatchObject({ code: 'SIGNATURE_SETTING' });
});
