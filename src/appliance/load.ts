import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Appliance } from '../model/appliance.js';
import { type ParameterDeclaration, parameterProblem } from '../model/parameter.js';
import { GvaError } from '../system/errors.js';
import { readTextIfExists } from '../system/files.js';
import { applianceFiles } from '../system/paths.js';
import { YamlFile } from '../system/yaml.js';
import { manifestSchema, parameterName } from './manifest-schema.js';

/** An appliance and the folder it was read from. */
export interface ApplianceFolder {
  readonly appliance: Appliance;
  /** Absolute. */
  readonly folder: string;
}

/** Reads an appliance folder; everything that is wrong with its gva.yaml is one GvaError. */
export async function loadAppliance(folder: string): Promise<ApplianceFolder> {
  const absolute = resolve(folder);
  const file = join(folder, applianceFiles.manifest);
  const found = await stat(absolute).catch(() => undefined);
  if (!found?.isDirectory())
    throw new GvaError('APPLIANCE_MISSING', `there is no appliance folder ${folder}`, {
      hint: `Make one that works: gva init ${folder}`,
    });
  const text = await readTextIfExists(join(absolute, applianceFiles.manifest));
  if (text === undefined)
    throw new GvaError(
      'APPLIANCE_MISSING',
      `${folder} is no appliance folder: it has no ${applianceFiles.manifest}`,
      {
        hint: 'gva init DIR makes an appliance folder that works.',
      },
    );
  const app = await stat(join(absolute, applianceFiles.app)).catch(() => undefined);
  const appliance = parseManifest(text, file);
  if (!app?.isDirectory())
    throw new GvaError('APPLIANCE_MISSING', `${folder} has no folder ${applianceFiles.app}/`, {
      hint: `Put the program into ${join(folder, applianceFiles.app)}/.`,
    });
  return { appliance, folder: absolute };
}

/** @param file name for messages */
export function parseManifest(text: string, file: string): Appliance {
  const yaml = new YamlFile(text, file);
  const { before, after, parameters, ...rest } = yaml.parse(
    manifestSchema,
    'APPLIANCE_INVALID',
    (manifest) => {
      for (const [name, declaration] of Object.entries(manifest.parameters))
        checkParameter(yaml, { name, ...compact(declaration) });
    },
  );
  return {
    ...rest,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    parameters: Object.entries(parameters).map(([name, declaration]) => ({ name, ...compact(declaration) })),
  };
}

type Compact<T> = { [K in keyof T]: Exclude<T[K], undefined> };
/** Without the entries that are undefined, which the types of exactOptionalPropertyTypes do not allow. */
const compact = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Compact<T>;

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
