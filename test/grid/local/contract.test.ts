import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { LocalEngine } from '../../../src/grid/local/engine.js';
import { noneLeft } from '../../support/gva.js';
import { gridContract } from '../contract.js';

describe('the grid engine local', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gva-test-'));
  });
  afterAll(async () => {
    await noneLeft(folder);
    await rm(folder, { recursive: true });
  });
  gridContract(() => Promise.resolve(new LocalEngine(folder)));
});
