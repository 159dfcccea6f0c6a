import { expect, it } from 'vitest';
import { actionsIn } from '../../../src/base/recipe/install-plan.js';

it('does what apt would do, in its order, what is alike at once', () => {
  const said = `NOTE: This is only a simulation!
Reading package lists...
Inst libc6 [2.36-9] (2.36-10 Debian:12 [amd64]) []
Conf libc6 (2.36-10 Debian:12 [amd64])
Inst libmpdec3 (2.5.1-2 Debian:12 [amd64])
Inst g++-12 (12.2.0-14 Debian:12 [amd64])
Conf libmpdec3 (2.5.1-2 Debian:12 [amd64])
Conf g++-12 (12.2.0-14 Debian:12 [amd64])
`;
  expect(actionsIn(said)).toEqual([
    { action: 'unpack', packages: ['libc6'] },
    { action: 'configure', packages: ['libc6'] },
    { action: 'unpack', packages: ['libmpdec3', 'g++-12'] },
    { action: 'configure', packages: ['libmpdec3', 'g++-12'] },
  ]);
});
