import { defineConfig } from 'rolldown';

// What the compiler made, put together: a command then starts from a few files instead of several hundred,
// 40 ms sooner. Each command's own part stays apart and is loaded when it is needed.
const put = (input, dir) => ({
  input,
  platform: 'node',
  output: { dir, format: 'esm', cleanDir: true },
});

// Apart from each other: what two entries share would be in many small files.
export default defineConfig([
  put({ main: 'dist/src/cli/start.js' }, 'dist/program'),
  put({ index: 'dist/src/library/index.js' }, 'dist/library'),
]);
