// Looks for the first square above a bound, and ends all else then: node stop-when-found.mjs [APPLIANCE] [OUT] [BOUND]
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pointFolder, sweep } from 'gva';

const [appliance = 'square', out = 'search', bound = '100'] = process.argv.slice(2);
const enough = new AbortController();
let found;

const running = sweep(
  { appliance, parameters: { n: { range: [5, 1000, 5] } } },
  { out, jobs: 2, signal: enough.signal },
);
try {
  for await (const { event, point, outcome } of running) {
    if (event !== 'point-ended' || outcome.state !== 'done') continue;
    const text = await readFile(join(pointFolder(out, point.index), 'output/result.txt'), 'utf8');
    const area = Number(text.split('=')[1]);
    if (area <= Number(bound) || found) continue;
    found = { n: point.parameters.n, area };
    enough.abort();
  }
} catch (error) {
  if (error !== enough.signal.reason) throw error;
}
console.log(found ? `n=${found.n} has the square ${found.area}` : 'none');
