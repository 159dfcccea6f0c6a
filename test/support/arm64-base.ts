import { ensureMicro } from '../../src/base/micro/ensure.js';
import { type DirectBase, loadDirectBase } from '../../src/base/store.js';

/** The base micro for ARM64, built by the first that asks. */
export async function arm64Base(): Promise<DirectBase> {
  const { manifest } = await ensureMicro(false, () => undefined, undefined, 'aarch64');
  return loadDirectBase(manifest.name);
}
