import type { Appliance } from '../../model/appliance.js';
import { applianceOf } from './appliance.js';
import { type ExamineOptions, examinePackage, requireRunnable } from './examine.js';

/** A package without errors, and the appliance that it is. */
export type OpenAppliancePackage = ReturnType<typeof requireRunnable> & { readonly appliance: Appliance };

/**
 * Opens a package for running it.
 *
 * @throws GvaError as by `examinePackage`, and PACKAGE_REFUSED with the first of what is wrong
 */
export async function openAppliancePackage(
  path: string,
  options: ExamineOptions = {},
): Promise<OpenAppliancePackage> {
  const examined = await examinePackage(path, options);
  try {
    const pkg = requireRunnable(examined);
    return { ...pkg, appliance: applianceOf(pkg.system, pkg.envelope, pkg.hardware) };
  } catch (error) {
    await examined[Symbol.asyncDispose]();
    throw error;
  }
}
