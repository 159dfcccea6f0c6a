import { ensureDebian } from '../../src/base/debian/ensure.js';
import { type DebianProfile, debianOptions, debianSuites } from '../../src/base/debian/options.js';
import { type DirectBase, loadDirectBase } from '../../src/base/store.js';
import { runTool } from '../../src/system/process.js';

/** Milliseconds for a hook that may have to build: half a minute of work on a machine that may be busy. */
export const buildLimit = 900_000;

/**
 * The Debian base that tests of a profile share, built by the first that asks and kept beside "micro"; that of the
 * profile `quick` has Python with NumPy. Of the suite that this machine's apt has.
 */
export async function debianBase(profile: DebianProfile): Promise<DirectBase> {
  const packages = profile === 'quick' ? ['python3-numpy'] : [];
  const options = debianOptions(`debian:${await hostSuite()}`, { profile, packages });
  await ensureDebian(options, false, () => undefined);
  return loadDirectBase(options.name);
}

async function hostSuite(): Promise<string> {
  const args = ['indextargets', '--no-release-info', '--format', '$(RELEASE)', 'Created-By: Packages'];
  const releases = (await runTool('apt-get', args)).toString().split('\n');
  const suite = debianSuites.find((each) => releases.includes(each));
  if (suite === undefined) throw new Error(`apt has none of the suites ${debianSuites.join(', ')} here`);
  return suite;
}
