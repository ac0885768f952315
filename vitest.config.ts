import { defineConfig } from 'vitest/config'

const FAST = [
  'tests/architecture/**/*.test.ts',
  'tests/contracts/**/*.test.ts',
  'tests/use-cases/**/*.test.ts',
  'tests/faults/checker/**/*.test.ts',
  'core/**/*.test.ts',
  'adapters/**/*.test.ts',
  'apps/**/*.test.ts',
]
const INTEGRATION = [
  'tests/server/**/*.test.ts',
  'tests/faults/**/*.test.ts',
  'tests/embedding/**/*.test.ts',
  'tests/client/**/*.test.ts',
  'tests/browser/**/*.test.ts',
]
const NEEDS_A_SERVER = '**/*.integration.test.ts'
const IGNORED = ['**/node_modules/**', 'dist/**', 'data/**']
/** Of an integration folder, what needs no server and is fast. */
const FAST_IN_FAULTS = 'tests/faults/checker/**/!(*.integration).test.ts'

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'fast', include: FAST, exclude: [...IGNORED, NEEDS_A_SERVER], testTimeout: 20_000 },
      },
      {
        test: {
          name: 'integration',
          include: [...INTEGRATION, NEEDS_A_SERVER],
          globalSetup: ['tests/support/postgres-global.ts'],
          exclude: [...IGNORED, FAST_IN_FAULTS],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
