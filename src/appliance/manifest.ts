import { type ApplianceManifest, type DeploymentOption, normalOption } from '../model/appliance.js';
import type { BaseWish } from '../model/base-wish.js';
import { type ParameterDeclaration, parameterProblem } from '../model/parameter.js';
import { YamlFile } from '../system/yaml.js';
import type { FoundEula } from './eula.js';
import { imageProgram } from './image-program.js';
import { manifestSchema, optionId, parameterName } from './manifest-schema.js';

/**
 * The text of a gva.yaml as an appliance; everything that is wrong with it is one GvaError.
 *
 * @param file name for messages
 * @param eulaOf gives the text of the licence at this path of the folder, or says what is wrong with it; absent
 *   where the folder is not at hand: the appliance is then without its licence
 */
export function parseManifest(
  text: string,
  file: string,
  eulaOf?: (path: string) => FoundEula,
): ApplianceManifest {
  const yaml = new YamlFile(text, file);
  let eula: string | undefined;
  const manifest = yaml.parse(manifestSchema, 'APPLIANCE_INVALID', (checked) => {
    for (const [name, declaration] of Object.entries(checked.parameters))
      checkParameter(yaml, { name, ...compact(declaration) });
    for (const id of Object.keys(checked['deployment-options'] ?? {})) checkOption(yaml, id);
    if (checked.run === undefined && !mayBringProgram(checked.base)) yaml.mistake([], 'run is missing');
    if (checked.warm !== undefined && checked.before === undefined)
      yaml.mistake(['warm'], 'warm: there is no before, after which instances could begin');
    if (checked.eula !== undefined) eula = checkEula(yaml, eulaOf?.(checked.eula.file));
  });
  const { name, version, base, hardware, output, before, after, warm, parameters, ...others } = manifest;
  const { run = imageProgram } = manifest;
  const {
    description,
    vendor,
    url,
    'params-on': paramsOn,
    'heartbeat-limit': heartbeatLimit,
    'deployment-options': options = {},
  } = others;
  const deploymentOptions = Object.entries(options).map(([id, option]): DeploymentOption => ({
    id,
    ...hardware,
    ...compact(option),
  }));
  // What is not there stays absent, and the order stays: the appliance's digest is that of this object as JSON.
  return {
    ...{ name, version, base, hardware, run, output },
    ...compact({ before, after, warm }),
    parameters: Object.entries(parameters).map(([key, declaration]) => ({
      name: key,
      ...compact(declaration),
    })),
    ...compact({ description, vendor, url, eula, paramsOn, heartbeatLimit }),
    ...(deploymentOptions.length === 0 ? {} : { deploymentOptions }),
  };
}

/** Only a base that is named may be a container image, which says what it runs: see checkImageProgram(). */
const mayBringProgram = (base: BaseWish) => typeof base === 'string' && !/^micro(?:[-@]|$)/.test(base);

type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};
/** Without the entries that are undefined, which the types of exactOptionalPropertyTypes do not allow. */
const compact = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Compact<T>;

function checkOption(yaml: YamlFile, id: string): void {
  const path = ['deployment-options', id];
  if (id === normalOption)
    yaml.mistake(path, `deployment option ${id}: this is what hardware says; choose another name`, true);
  else if (!optionId.test(id))
    yaml.mistake(
      path,
      `deployment option ${JSON.stringify(id)}: a name is a letter and up to 31 letters, digits, "_" and "-"`,
      true,
    );
}

function checkEula(yaml: YamlFile, found: FoundEula | undefined): string | undefined {
  if (found?.problem !== undefined) yaml.mistake(['eula', 'file'], `eula.file: ${found.problem}`);
  return found?.text;
}

function checkParameter(yaml: YamlFile, declaration: ParameterDeclaration): void {
  const { name, values = [], ...limits } = declaration;
  const path = ['parameters', name];
  if (!parameterName.test(name))
    yaml.mistake(path, `parameter ${JSON.stringify(name)}: a name is up to 64 letters, digits and "_"`, true);
  if (name.toLowerCase().startsWith('gva_'))
    yaml.mistake(path, `parameter ${name}: names that begin with gva_ are kept for GVA`, true);
  if (declaration.min !== undefined && declaration.max !== undefined && declaration.min > declaration.max)
    yaml.mistake([...path, 'max'], `parameter ${name}: max is smaller than min`);
  for (const [index, value] of values.entries()) {
    const problem = parameterProblem({ ...limits, name }, value);
    if (problem) yaml.mistake([...path, 'values', index], `parameter ${name}: each of values ${problem}`);
  }
  const problem =
    declaration.default === undefined ? undefined : parameterProblem(declaration, declaration.default);
  if (problem) yaml.mistake([...path, 'default'], `parameter ${name}: default ${problem}`);
}
