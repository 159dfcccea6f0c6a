import { resolve } from 'node:path';
import type { ApplianceSource } from '../../appliance/source.js';
import type { ParameterDeclaration } from '../../model/parameter.js';
import { GvaError } from '../../system/errors.js';
import type { NimrodTask } from './nimrod/task.js';
import type { PointOrder } from './ordered.js';
import type { PointFiles } from './point-files.js';
import { type PointSource, countPoints } from './points.js';
import { PlanLoader } from './load.js';
import type { OutputWishes } from './read/outputs.js';

/** A plan that was read and checked against its appliance. */
export interface Plan extends PlanOutline {
  readonly source: ApplianceSource;
}

/** A plan that was read; it may have no appliance yet. */
export interface PlanOutline extends OutputWishes {
  /** As it was given. */
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  /** What the file said; of a table its first line. */
  readonly text: string;
  /** Undefined only of a Nimrod plan, which names none: its parameters are then those of the plan. */
  readonly source: ApplianceSource | undefined;
  readonly parameters: readonly ParameterDeclaration[];
  readonly points: PointSource;
  /** In which order they are begun, where the plan says so. */
  readonly order?: PointOrder;
  /** What is crossed, in order. */
  readonly factors: readonly PlanFactor[];
  readonly files: PointFiles;
  /** What a person should know though it is no mistake; more of it once the points are counted. */
  notes(): readonly string[];
  /** What a Nimrod plan says is to be done at each point. */
  readonly task?: NimrodTask;
}

/** Parameters that have their values together, and the number of these. */
export interface PlanFactor {
  readonly names: readonly string[];
  /** Where in the plan they are said. */
  readonly entry: string;
  readonly size: bigint;
  readonly exact: boolean;
}

export interface PlanOptions {
  /** Folder of the appliance, instead of the one that the plan names. */
  readonly appliance?: string | undefined;
  /** Id of a deployment option of the appliance; its default where undefined. */
  readonly deploymentOption?: string | undefined;
  /** What the file would say; it is not read then, and need not be there. Of YAML. */
  readonly text?: string | undefined;
}

/** Plans of so few rows are counted at once. */
const mostCounted = 20_000n;

/**
 * Reads a plan (docs/plans.md: YAML, a table, or a Nimrod plan file) and the appliance that it is for. Paths in it are
 * relative to its folder. All that is wrong with it, each mistake with its place, is one GvaError (PLAN_INVALID).
 *
 * @throws GvaError PLAN_MISSING, PLAN_INVALID, PLAN_EMPTY, APPLIANCE_MISSING, APPLIANCE_INVALID
 */
export async function readPlan(path: string, options: PlanOptions = {}): Promise<Plan> {
  const outline = await outlinePlan(path, options);
  const { source } = outline;
  if (source) return { ...outline, source };
  throw new GvaError('APPLIANCE_MISSING', `the plan ${path} names no appliance`, {
    hint: 'Say which one: --appliance DIR. gva plan FILE shows the gva.yaml that it would take.',
  });
}

/** The same, for looking at it: a Nimrod plan needs no appliance. */
export async function outlinePlan(
  path: string,
  { appliance, deploymentOption, text }: PlanOptions = {},
): Promise<PlanOutline> {
  const { notes, ...outline } = await new PlanLoader(
    path,
    appliance && resolve(appliance),
    deploymentOption,
    text,
  ).load();
  const { points } = outline;
  if (!points.exact && points.count <= mostCounted) await countPoints(points);
  return { ...outline, notes: () => [...notes, ...repeatedNote(points)] };
}

function repeatedNote({ repeated, exact }: PointSource): string[] {
  if (!exact || repeated === 0) return [];
  return [
    `${repeated.toLocaleString('en-US')} ${repeated === 1 ? 'point is' : 'points are'} there more than once, and merged`,
  ];
}
