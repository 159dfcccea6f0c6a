import { join, resolve } from 'node:path';
import type { ParameterValue, ParameterValues } from '../model/parameter.js';
import { type Plan, readPlan } from '../sweep/plan/plan.js';
import { sweepFiles } from '../system/paths.js';
import type { LoadedAppliance } from './appliance.js';

/** Values of a parameter in a plan: one, several, or a form of docs/plans.md, "Values of a parameter". */
export type ParameterAxis =
  | ParameterValue
  | readonly ParameterValue[]
  /** First, last, and step, which is 1 where absent; the last is included if it is met. */
  | { readonly range: readonly [number, number, number?] }
  /** First, last, and how many, at equal distances. */
  | { readonly linear: readonly [number, number, number] }
  /** First, last, and how many, with equal ratios. */
  | { readonly log: readonly [number, number, number] }
  /** From, to, and how many, evenly distributed; the same ones every time. */
  | { readonly random: readonly [number, number, number]; readonly seed: number };

/** A plan that a program makes. Everything else that plans can do is for plan files (docs/plans.md). */
export interface SweepPlan {
  /** One that was loaded, or the path of its folder or package. */
  readonly appliance: string | LoadedAppliance;
  /** Crossed: every value of one with every value of the others, the first changing slowest. */
  readonly parameters?: Readonly<Record<string, ParameterAxis>>;
  /** Points as they are; crossed with `parameters`, if there are both. */
  readonly points?: readonly ParameterValues[];
  /** An expression that leaves points out, such as `n != 7`. */
  readonly where?: string;
  /** Paths of files that are on the parameter CD of every point. */
  readonly files?: readonly string[];
}

/**
 * Reads the plan of a sweep.
 *
 * @internal
 * @param out folder of the sweep
 */
export function planOf(plan: string | SweepPlan, out: string): Promise<Plan> {
  if (typeof plan === 'string') return readPlan(plan);
  const { appliance, parameters, points, where, files } = plan;
  const path = resolve(typeof appliance === 'string' ? appliance : appliance.path);
  const deploymentOption = typeof appliance === 'string' ? undefined : appliance.deploymentOption;
  const content = { appliance: path, parameters, points, where, files: files?.map((file) => resolve(file)) };
  // JSON is YAML; what is undefined is left out.
  const text = `${JSON.stringify(content, null, 2)}\n`;
  return readPlan(join(out, sweepFiles.plan), { text, deploymentOption });
}
