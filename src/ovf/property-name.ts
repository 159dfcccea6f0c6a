import type { OvfProperty, ProductSection } from '../model/envelope.js';

/** The name under which a guest sees a property: `[class.]key[.instance]` (DSP0243 1.1.0, 9.5.1). */
export function propertyName(
  product: Pick<ProductSection, 'class' | 'instance'>,
  property: Pick<OvfProperty, 'key'>,
): string {
  return [product.class, property.key, product.instance].filter((part) => part !== undefined).join('.');
}
