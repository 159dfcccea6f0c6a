import { expect, it } from 'vitest';
import { checkImageProgram } from '../../src/appliance/image-program.js';
import { prepareAppliance } from '../../src/instance/prepare.js';
import { fakeBase, makeAppliance, makeTestHome } from '../support/fake-appliance.js';

it('an appliance without run is for bases of container images that say a program', async () => {
  await using home = await makeTestHome();
  const source = await makeAppliance(home.folder, 'name: square\nbase: solver\n');
  const prepare = (defaults?: object) =>
    prepareAppliance(source, { ...fakeBase(), ...(defaults && { defaults }) });
  const refused = {
    code: 'RUN_MISSING',
    message: 'gva.yaml has no run, and the base image micro has no program that it runs by itself',
  };
  await expect(prepare()).rejects.toMatchObject(refused);
  await expect(prepare({ user: 'nobody' })).rejects.toMatchObject(refused);
  expect(await prepare({ entrypoint: ['/opt/solve'] })).toMatchObject({ appliance: { name: 'square' } });
  expect(await prepare({ command: ['/opt/solve'] })).toMatchObject({ appliance: { name: 'square' } });
  const { appliance } = await makeAppliance(home.folder, 'name: square\nrun: ./job.sh\n');
  expect(() => checkImageProgram(appliance, { name: 'micro' })).not.toThrow();
});
