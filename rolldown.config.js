import { defineConfig } from 'rolldown';

// What the compiler made, put together: a command then starts from a few files instead of several hundred,
// 40 ms sooner. Each command's own part stays apart and is loaded when it is needed.
export default defineConfig({
  input: 'dist/src/cli/main.js',
  platform: 'node',
  output: { dir: 'dist/program', format: 'esm', cleanDir: true },
});
