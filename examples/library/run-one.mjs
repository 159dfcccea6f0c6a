// One instance, and what happens meanwhile: node run-one.mjs APPLIANCE [NAME=VALUE...] [--out DIR]
import { parseArgs } from 'node:util';
import { loadAppliance, run } from 'gva';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: 'one' } },
});
const [folder = 'square', ...words] = positionals;

const appliance = await loadAppliance(folder);
const types = new Map(appliance.parameters.map(({ name, type }) => [name, type]));
const parameters = Object.fromEntries(
  words.map((word) => {
    const [name, value] = word.split('=', 2);
    return [name, ['int', 'float'].includes(types.get(name)) ? Number(value) : value];
  }),
);

const running = run(appliance, { out: values.out, parameters });
for await (const event of running)
  console.error(`${event.time.toFixed(2)} s  ${event.event === 'guest' ? event.name : event.event}`);

const { state, message, output } = await running.result;
console.log(`${state}: ${message ?? `${output?.files} files in ${values.out}/output`}`);
