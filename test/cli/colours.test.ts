import { expect, test } from 'vitest';
import { coloursFor } from '../../src/cli/colours.js';

const terminal = { isTTY: true };
test.each([
  ['a terminal', terminal, {}, true],
  ['a file', {}, {}, false],
  ['a CI service that keeps a log', {}, { CI: 'true' }, false],
  ['a terminal with NO_COLOR', terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
  ['a file with FORCE_COLOR', {}, { FORCE_COLOR: '1' }, true],
  ['a terminal with FORCE_COLOR=0', terminal, { FORCE_COLOR: '0' }, false],
  ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
])('%s', (_, stream, env, coloured) => {
  expect(coloursFor(stream, env).red('x') !== 'x').toBe(coloured);
});
