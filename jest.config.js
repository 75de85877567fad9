/** Both projects run TypeScript sources directly: the `source` export condition makes `@coffer/x` mean `packages/x/src`. */
const common = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: {
    '\\.tsx?$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', tsx: true, explicitResourceManagement: true },
          transform: { react: { runtime: 'automatic' } },
        },
        module: { type: 'es6' },
      },
    ],
  },
  modulePathIgnorePatterns: ['/dist/'],
};

export default {
  workerIdleMemoryLimit: '512MB',
  reporters: ['default', '<rootDir>/scripts/closing-line-reporter.mjs'],
  projects: [
    {
      ...common,
      displayName: 'unit',
      setupFilesAfterEnv: ['<rootDir>/scripts/unit-timeout.mjs'],
      testMatch: ['<rootDir>/packages/*/test/**/*.test.{ts,tsx}', '<rootDir>/scripts/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.e2e\\.test\\.ts$'],
    },
    {
      ...common,
      displayName: 'e2e',
      setupFilesAfterEnv: ['<rootDir>/scripts/e2e-timeout.mjs'],
      testMatch: ['<rootDir>/packages/*/test/**/*.e2e.test.ts'],
    },
  ],
};
