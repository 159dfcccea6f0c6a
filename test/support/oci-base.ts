import { join } from 'node:path';
import { ensureOci } from '../../src/base/oci/build.js';
import { ociName } from '../../src/base/oci/inputs.js';
import { openLayout } from '../../src/base/oci/layout.js';
import { type DirectBase, loadDirectBase } from '../../src/base/store.js';
import { temporaryFolder } from './gva.js';
import { staticBusybox } from './static-busybox.js';
import { type LayerMember, tarOf, writeLayout } from './oci-layout.js';

/** What the image of programImage() is to be run as. */
export const imageConfig = {
  Env: ['PATH=/opt/bin', "GREETING=it's a container"],
  Entrypoint: ['greet', 'to'],
  Cmd: ['by', 'itself'],
  User: '1000:1001',
  WorkingDir: '/srv/job',
};

const program = `#!/opt/bin/sh
echo "$(id -u):$(id -g) $PWD $GREETING"
shift
for word in "$@"; do echo "<$word>"; done
echo "$*" >"$GVA_OUTPUT/result"
`;

/**
 * Writes a layout of an image that has one static program and nothing else: no shell where scripts look for one, no
 * accounts, no mount points. A file that is whited out is in its first layer.
 */
export async function programImage(folder: string, tag = 'v1'): Promise<string> {
  const sh: LayerMember = { path: 'opt/bin/sh', content: await staticBusybox(), mode: 0o755 };
  const first = [
    sh,
    { path: 'srv/job/secret', content: 'secret' },
    { path: 'opt/bin/greet', content: 'old' },
  ];
  const second = [
    { path: 'srv/job/.wh.secret' },
    { path: 'opt/bin/greet', content: program, mode: 0o755 },
    { path: 'opt/bin/id', type: '1', target: 'opt/bin/sh' },
  ];
  return writeLayout(folder, {
    layers: [{ tar: tarOf(first) }, { tar: tarOf(second), compression: 'zstd' }],
    config: imageConfig,
    tag,
  });
}

/** A base of that image, built by the first that asks and kept beside "micro". */
export async function ociBase(): Promise<DirectBase> {
  await using folder = await temporaryFolder();
  const image = await openLayout(await programImage(join(folder.path, 'program')));
  await ensureOci(image, ociName(image), false, () => undefined);
  return await loadDirectBase(ociName(image));
}
