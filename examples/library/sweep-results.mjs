// A sweep from a plan that the program makes, and its table of results: node sweep-results.mjs [APPLIANCE] [OUT]
import { readResults, sweep } from 'gva';

const [appliance = 'square', out = 'squares'] = process.argv.slice(2);

const running = sweep({ appliance, parameters: { n: { range: [2, 10, 2] } } }, { out });
for await (const event of running)
  if (event.event === 'point-ended') console.error(`n=${event.point.parameters.n}: ${event.outcome.state}`);

const { counts } = await running.result;
console.log(`${counts.done} done, ${counts.failed} failed, ${counts.lost} lost`);
for await (const { n, area, gva_total_s } of readResults(out))
  console.log(`n=${n} area=${area} (${gva_total_s} s)`);
