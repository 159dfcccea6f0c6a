import { expect, it } from 'vitest';
import { nearestName } from '../../src/system/nearest-name.js';

it.each([
  ['partitoin', 'partition'],
  ['Account', 'account'],
  ['qo', 'qos'],
  ['acount', 'account'],
  ['accounnt', 'account'],
  ['memory', undefined],
  ['x', undefined],
  ['', undefined],
])('%s is most likely %s', (written, meant) => {
  expect(nearestName(written, ['qos', 'partition', 'account', 'xyz'])).toBe(meant);
});
