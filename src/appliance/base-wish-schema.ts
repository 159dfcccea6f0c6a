import { z } from 'zod';
import { isBaseReference } from '../base/base-manifest.js';
import { archProblem, osProblem, parsePackageRequirement } from '../base/requirement-text.js';
import { type Architecture, architectures } from '../model/base.js';
import type { BaseRequirements, BaseWish, PackageRequirement } from '../model/base-wish.js';

const checked = (problemOf: (text: string) => string | undefined) =>
  z
    .string({ error: 'must be a name (in quotes, if YAML takes it for something else)' })
    .transform((text, context) => {
      const message = problemOf(text);
      if (message !== undefined) context.issues.push({ code: 'custom', message, input: text });
      return text;
    });

const packageRequirement = z
  .string({ error: 'must be the name of a package (in quotes, if YAML takes it for something else)' })
  .transform((text, context): PackageRequirement => {
    const requirement = parsePackageRequirement(text);
    if (typeof requirement !== 'string') return requirement;
    context.issues.push({ code: 'custom', message: requirement, input: text });
    return z.NEVER;
  });

const requirements = z.strictObject({
  os: checked(osProblem).optional(),
  arch: checked(archProblem).optional(),
  packages: z
    .array(packageRequirement, { error: 'must be a list of packages such as [python3, r-base-core]' })
    .max(1000, 'must be at most 1000 packages')
    .optional(),
});

/**
 * What gva.yaml says of its base. The two forms are told apart here rather than by a union, which would say of a mistake
 * within the one only that it is neither.
 */
export const baseWish = z.unknown().transform((value, context): BaseWish => {
  if (typeof value === 'string' && isBaseReference(value)) return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    context.issues.push({ code: 'custom', message: forms, input: value });
    return z.NEVER;
  }
  const outcome = requirements.safeParse(value, { reportInput: true });
  if (outcome.success) return required(outcome.data);
  context.issues.push(...(outcome.error.issues as z.core.$ZodRawIssue[]));
  return z.NEVER;
});

const forms =
  'must be the name of a base image, NAME@DIGEST (16 digits of it or more), or a map such as { os: linux, packages: [python3] }';

function required({ os, arch, packages }: z.output<typeof requirements>): BaseRequirements {
  const known = architectures.find((each): each is Architecture => each === arch);
  return {
    ...(os === undefined ? {} : { os }),
    ...(known === undefined ? {} : { arch: known }),
    ...(packages === undefined ? {} : { packages }),
  };
}
