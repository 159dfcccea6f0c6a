import type { ApplianceSource } from '../appliance/source.js';
import { GvaError } from '../system/errors.js';

export interface SignatureWish {
  requireSignature?: boolean;
}

export const requireSignature = [
  '--require-signature',
  'refuse a package that nobody in the trust store has signed (docs/packages.md)',
] as const;

/** Holds for all packages that this process opens, and those that it starts. */
export function applySignatureWish({ requireSignature }: SignatureWish): void {
  if (requireSignature) process.env['GVA_REQUIRE_SIGNATURE'] = 'yes';
}

/** @throws GvaError SIGNATURE_FOLDER where a signature was asked for of what cannot have one */
export function checkSignatureWish(
  { kind }: Pick<ApplianceSource, 'kind'>,
  { requireSignature }: SignatureWish,
): void {
  if (requireSignature && kind === 'folder')
    throw new GvaError('SIGNATURE_FOLDER', 'a folder is not signed: --require-signature needs a package', {
      hint: 'Pack it: gva pack FOLDER --sign KEY --certificate FILE',
    });
}
