import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The rooms of the house: each may import only from those before it (docs/architecture.md). */
const rooms = [
  'model',
  'system',
  'disk',
  'ovf',
  'base',
  'appliance',
  'vmm',
  'channel',
  'instance',
  'sweep',
  'grid',
  'library',
  'report',
  'cli',
];

/** What a room may not import although it stands earlier in the list. */
const alsoForbidden = { report: rooms.slice(2, -2), disk: ['base'] };

const importDirection = rooms.map((room, index) => {
  const forbidden = [...rooms.slice(index + 1), ...(alsoForbidden[room] ?? [])];
  return {
    files: [`src/${room}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${[...forbidden, 'test', 'bench'].join('|')})(/|$)`,
              message: `src/${room} may not import this room: imports point one way (eslint.config.js).`,
            },
          ],
        },
      ],
    },
  };
});

/** What waits must not wait for ever, or not at all, because somebody has set the clock. */
const monotonicDeadlines = {
  files: ['src/**/*.ts', 'bench/**/*.ts'],
  ignores: ['src/report/page/**'],
  rules: {
    'no-restricted-syntax': [
      'error',
      ...['left', 'right'].map((side) => ({
        selector: `BinaryExpression[operator=/^([+<>]|[<>]=)$/] > CallExpression.${side}[callee.object.name='Date'][callee.property.name='now']`,
        message: 'The time of day may jump: limits and waits go by performance.now().',
      })),
    ],
  },
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: {
        ...{ process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly' },
        AbortController: 'readonly',
      },
    },
  },
  monotonicDeadlines,
  ...importDirection,
);
