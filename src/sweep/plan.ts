import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type ApplianceFolder, loadAppliance } from '../appliance/load.js';
import type { InputFile } from '../instance/identity.js';
import { inputFile } from '../instance/input-files.js';
import { GvaError, errnoOf, messageOf } from '../system/errors.js';
import { YamlFile } from '../system/yaml.js';
import { planHead, planSchema } from './plan-schema.js';
import { type PointSpace, countPoints } from './points.js';

/** Points of one sweep, for now: all have a place in memory and a line in one table. */
export const maxPoints = 1_000_000;

/** A plan that was read and checked against its appliance. */
export interface Plan {
  /** Absolute. */
  readonly file: string;
  /** What the file said. */
  readonly text: string;
  readonly source: ApplianceFolder;
  readonly space: PointSpace;
  readonly count: number;
  /** On the parameter CD of every point. */
  readonly files: readonly InputFile[];
}

/**
 * Reads a plan and the appliance that it names. Paths in it are relative to its folder. All that is wrong
 * with it, each mistake with its place, is one GvaError (PLAN_INVALID); a value that is listed twice is a
 * mistake too: more often a slip than meant, and its points would be the same.
 */
export async function readPlan(path: string): Promise<Plan> {
  const text = await readText(path);
  const file = resolve(path);
  const yaml = new YamlFile(text, path);
  const named = yaml.parse(planHead, 'PLAN_INVALID').appliance;
  const { source, problem } = await findAppliance(named === undefined ? undefined : dirname(file), named);
  const { parameters: axes, files } = yaml.parse(planSchema(source?.appliance, problem), 'PLAN_INVALID');
  // Without an appliance the schema has thrown.
  if (!source) throw new Error('a plan without an appliance passed its schema');
  const inputFiles = await readFiles(yaml, files, dirname(file));
  const space = { axes, names: source.appliance.parameters.map(({ name }) => name) };
  return { file, text, source, space, count: checkedCount(space, path), files: inputFiles };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const hint =
      errnoOf(error) === 'EISDIR'
        ? 'A plan is a YAML file; gva init makes an appliance with one, plan.yaml.'
        : 'A plan is a YAML file such as:\n  appliance: ./square\n  parameters:\n    n: { range: [1, 12] }';
    throw new GvaError('PLAN_MISSING', `cannot read the plan ${path}: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  }
}

/** A missing appliance is a mistake of the plan; mistakes within the appliance are told as such. */
async function findAppliance(
  folder: string | undefined,
  named: string | undefined,
): Promise<{ source?: ApplianceFolder; problem?: string }> {
  if (folder === undefined || named === undefined) return {};
  try {
    return { source: await loadAppliance(resolve(folder, named)) };
  } catch (error) {
    if (error instanceof GvaError && error.code === 'APPLIANCE_MISSING') return { problem: error.message };
    throw error;
  }
}

async function readFiles(
  yaml: YamlFile,
  entries: readonly { source: string; name: string }[],
  folder: string,
): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const [index, { source, name }] of entries.entries())
    try {
      files.push(await inputFile(resolve(folder, source), name, files));
    } catch (error) {
      if (!(error instanceof GvaError)) throw error;
      yaml.mistake(['files', index], error.message);
    }
  // Throws if there is a mistake.
  yaml.parse(z.unknown(), 'PLAN_INVALID');
  return files;
}

function checkedCount(space: PointSpace, path: string): number {
  const count = countPoints(space);
  if (count <= BigInt(maxPoints)) return Number(count);
  const factors = space.axes
    .filter((axis) => axis.count > 1n)
    .map((axis) => `${axis.name} ${grouped(axis.count)}`);
  throw new GvaError(
    'PLAN_TOO_LARGE',
    `the plan ${path} has ${grouped(count)} points (${factors.join(' x ')}); a sweep has at most ${grouped(maxPoints)}`,
    { hint: 'Make the steps larger, or split the plan into several.' },
  );
}

const grouped = (count: number | bigint) =>
  count < 1e15 ? count.toLocaleString('en-US') : `about 10^${String(count).length - 1}`;
