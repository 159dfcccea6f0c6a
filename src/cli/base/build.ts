import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Architecture, type BaseManifest, architectures } from '../../model/base.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act, printJson } from '../action.js';

interface BuildOptions {
  readonly profile?: string;
  readonly packages?: string;
  readonly arch: Architecture;
  readonly name?: string;
  readonly force?: boolean;
  readonly explain?: boolean;
  readonly json?: boolean;
}

export function addBuildCommand(base: Command): void {
  base
    .command('build')
    .argument(
      '<base>',
      'what to build: micro; debian or debian:SUITE (bookworm, trixie); oci:DIR, a container image; or a recipe: its file, or a folder with base.yaml',
    )
    .description(
      'build a base image from Debian packages, of a container image, or by a recipe, without root',
    )
    .option('--profile <profile>', 'of a Debian base: quick (straight to GVAD) or systemd')
    .option('--packages <names>', 'of a Debian base: more packages, separated by commas')
    .option(
      '--name <name>',
      'of a Debian base; one of suite, profile and packages if not given; of a container image; of a recipe, instead of its own',
    )
    .addOption(
      new Option('--arch <name>', 'of a micro base: x86_64, or arm64, which is emulated')
        .argParser(architectureOf)
        .default('x86_64'),
    )
    .option('--force', 'build it even if it is there and unchanged; of a recipe, execute all steps')
    .option('--explain', 'of a recipe: say which of its steps are there and what remains, and build nothing')
    .option('--json', 'print the description of the base as JSON')
    .addHelpText('after', examples)
    .action((what: string, options: BuildOptions) =>
      act(options.json ?? false, (signal) => build(what, options, signal)),
    );
}

const examples = `
Examples:
  gva base build micro
  gva base build micro --arch arm64          its name is micro-arm64
  gva base build debian:bookworm --packages python3,python3-numpy --name numpy
  gva base build oci:my-image --name mine    # as skopeo copy SOURCE oci:my-image makes it
  gva base build examples/monte-carlo/base.yaml --explain`;

/** By the names of the kernel, and those of Debian. */
function architectureOf(word: string): Architecture {
  const known: Readonly<Record<string, Architecture>> = { amd64: 'x86_64', arm64: 'aarch64' };
  const found = known[word] ?? architectures.find((each) => each === word);
  if (found) return found;
  throw new InvalidArgumentError('Architectures: x86_64, arm64.');
}

async function build(what: string, options: BuildOptions, signal: AbortSignal): Promise<ExitCode> {
  const { isRecipePath, buildFromRecipe } = await import('./recipe.js');
  if (isRecipePath(what)) return buildFromRecipe(what, recipeOptions(options), signal);
  const [say, ensure] = await builderOf(what, options);
  const { manifest, built } = await ensure(signal);
  if (options.json) printJson(manifest);
  else say(`${built ? 'built' : 'is there'}, digest ${manifest.digest.slice(0, 16)}`);
  return ExitCode.ok;
}

function recipeOptions({ profile, packages, name, ...flags }: BuildOptions) {
  if (profile !== undefined || packages !== undefined)
    throw new GvaError('USAGE', '--profile and --packages are not for recipes', {
      hint: 'A recipe says so itself: profile, and steps with packages.',
    });
  const { force = false, explain = false, json = false } = flags;
  return { force, explain, json, name };
}

type Ensure = (signal: AbortSignal) => Promise<{ manifest: BaseManifest; built: boolean }>;

async function builderOf(
  what: string,
  options: BuildOptions,
): Promise<[say: (step: string) => void, ensure: Ensure]> {
  const { force = false, profile, packages, name, arch } = options;
  const sayFor = (base: string) => (step: string) => console.error(`${base}: ${step}`);
  if (what === 'micro' && profile === undefined && packages === undefined && name === undefined) {
    const { ensureMicro } = await import('../../base/micro/ensure.js');
    const { microName } = await import('../../base/micro/inputs.js');
    const say = sayFor(microName(arch));
    return [say, (signal) => ensureMicro(force, say, signal, arch)];
  }
  if (/^oci:./.test(what) && profile === undefined && packages === undefined)
    return builderOfImage(what, name, force, sayFor);
  if (!/^debian(:|$)/.test(what))
    throw new GvaError(
      'BASE_UNKNOWN',
      `there is no recipe for a base image ${JSON.stringify(what)} with these options`,
      {
        hint: 'GVA builds "micro", which takes no options, "debian" or "debian:SUITE", "oci:DIR", and recipes: FOLDER/base.yaml.',
      },
    );
  if (arch !== 'x86_64')
    throw new GvaError('BASE_ARCH', `of ${arch} there is only the base micro`, {
      hint: `gva base build micro --arch ${arch}`,
    });
  const { debianOptions } = await import('../../base/debian/options.js');
  const { ensureDebian } = await import('../../base/debian/ensure.js');
  const wanted = debianOptions(what, {
    ...(profile === undefined ? {} : { profile }),
    ...(packages === undefined ? {} : { packages: packages.split(',') }),
    ...(name === undefined ? {} : { name }),
  });
  const say = sayFor(wanted.name);
  return [say, (signal) => ensureDebian(wanted, force, say, signal)];
}

/** `oci:DIR` or `oci:DIR:TAG`. */
async function builderOfImage(
  what: string,
  name: string | undefined,
  force: boolean,
  sayFor: (base: string) => (step: string) => void,
): Promise<[say: (step: string) => void, ensure: Ensure]> {
  const { openLayout } = await import('../../base/oci/layout.js');
  const { imageReference, imageBaseName } = await import('../../base/oci/inputs.js');
  const { ensureOci } = await import('../../base/oci/build.js');
  const { folder, tag } = imageReference(what);
  const image = await openLayout(folder, tag);
  const own = imageBaseName(name, image);
  const say = sayFor(own);
  return [say, (signal) => ensureOci(image, own, force, say, signal)];
}
