import { basename } from 'node:path';
import { z } from 'zod';
import type { Appliance } from '../model/appliance.js';
import { type Axis, listAxis, readAxis } from './axis.js';

/** Enough to find the appliance, which says what else may be in a plan; accepts everything. */
export const planHead = z
  .looseObject({ appliance: z.string().min(1).optional().catch(undefined) })
  .catch({ appliance: undefined });

const file = z.union([z.string(), z.strictObject({ source: z.string(), name: z.string() })], {
  error: 'must be a path or { source, name }',
});

/**
 * A plan for this appliance. `parameters` becomes its axes, in the order of the plan, with those of the
 * parameters that the plan does not mention, each of one value, behind.
 *
 * @param appliance undefined where there is none: its parameters cannot be checked then
 * @param problem what is wrong with the appliance
 */
export function planSchema(appliance: Appliance | undefined, problem: string | undefined) {
  return z.strictObject({
    appliance: z
      .string({ error: 'must be the folder of an appliance' })
      .refine(() => problem === undefined, problem),
    parameters: z
      .record(z.string(), z.unknown(), { error: 'must be parameters with their values' })
      .default({})
      .transform((given, context) => {
        if (!appliance) return [];
        const { axes, issues } = readAxes(appliance, given);
        for (const issue of issues) context.issues.push({ code: 'custom', input: given, ...issue });
        return axes;
      }),
    files: z
      .array(
        file.transform((entry) =>
          typeof entry === 'string' ? { source: entry, name: basename(entry) } : entry,
        ),
      )
      .default([]),
  });
}

interface Issue {
  readonly path: PropertyKey[];
  readonly message: string;
  readonly params?: { readonly key: true };
}

function readAxes(appliance: Appliance, given: Record<string, unknown>): { axes: Axis[]; issues: Issue[] } {
  const axes: Axis[] = [];
  const issues: Issue[] = [];
  for (const [name, entry] of Object.entries(given)) {
    const declaration = appliance.parameters.find((parameter) => parameter.name === name);
    if (!declaration) {
      issues.push({ path: [name], message: unknownParameter(appliance), params: { key: true } });
      continue;
    }
    const { axis, problems } = readAxis(declaration, entry);
    if (axis) axes.push(axis);
    else
      for (const { path, message, key } of problems)
        issues.push({ path: [name, ...path], message, ...(key ? { params: { key } } : {}) });
  }
  for (const { name, default: value } of appliance.parameters) {
    if (Object.hasOwn(given, name)) continue;
    if (value === undefined) issues.push({ path: [], message: `${name} is missing, and has no default` });
    else axes.push(listAxis(name, [value]));
  }
  return { axes, issues };
}

function unknownParameter({ name, parameters }: Appliance): string {
  if (parameters.length === 0) return `${name} has no parameters`;
  return `${name} has no such parameter; its parameters: ${parameters.map((one) => one.name).join(', ')}`;
}
