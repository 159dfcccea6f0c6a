import { expect, it } from 'vitest';
import { comparePage } from '../../tools/page.js';
import { pages } from '../../tools/docs.js';

it.each(pages)('$file is what the code says (npm run docs)', async (page) => {
  const { is, should } = await comparePage(page);
  expect(is).toBe(should);
});
