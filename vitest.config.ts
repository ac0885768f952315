import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { REDIS_PROGRAM, redisVersion } from './tests/support/redis-server.js'
import type { ServerMode } from './tests/support/server-mode.js'

const FAST = [
  'tests/architecture/**/*.test.ts',
  'tests/contracts/**/*.test.ts',
  'tests/use-cases/**/*.test.ts',
  'tests/faults/checker/**/*.test.ts',
  'core/**/*.test.ts',
  'adapters/**/*.test.ts',
  'apps/**/*.test.ts',
]
const SERVER = 'tests/server/**/*.test.ts'
/** Of those of the server, what is about one set-up or needs none. All others run in each mode. */
const ONCE = [
  'tests/server/{cluster,contract}/**/*.test.ts',
  'tests/server/{bus,embedded-postgres,redis}-*.test.ts',
  'tests/server/{bench,leaving-while-joining,start-mistakes,stop-while-starting,test-database}.*',
]
/** What needs two servers in each of its tests: an embedded one is alone. */
const OVER_TWO = 'tests/server/{real-dialogs,standings}.*'
const INTEGRATION = [
  ...ONCE,
  'tests/faults/**/*.test.ts',
  'tests/embedding/**/*.test.ts',
  'tests/client/**/*.test.ts',
  'tests/browser/**/*.test.ts',
]
const NEEDS_A_SERVER = '**/*.integration.test.ts'
const POSTGRES = 'tests/support/postgres-global.ts'
const IGNORED = ['**/node_modules/**', 'dist/**', 'data/**']
/** Of an integration folder, what needs no server and is fast. */
const FAST_IN_FAULTS = 'tests/faults/checker/**/!(*.integration).test.ts'

const SLOW = { testTimeout: 60_000, hookTimeout: 120_000 }
/** As many files at a time, after the fast ones: adapters are held to deadlines of a fraction of a second. */
const INTEGRATING = { ...SLOW, maxWorkers: 2, sequence: { groupOrder: 1 } }
/** Those of all modes together, after that: they wait more, and for seconds. */
const IN_MODES = { ...SLOW, maxWorkers: 3, sequence: { groupOrder: 2 } }

/** Without a Redis those of its modes count as skipped; where everything must run they fail. */
const skipsRedis = redisVersion() === null && process.env.CI !== 'true'
if (skipsRedis)
  process.stdout.write(
    `Skipped: the modes redis and redis-killed, because there is no ${REDIS_PROGRAM} (REDIS_SERVER_PATH).\n`,
  )

/** The suite of the server in one mode, under its name. */
function inMode(serverMode: ServerMode): TestProjectInlineConfiguration {
  const skips = skipsRedis && serverMode.startsWith('redis')
  return {
    test: {
      ...IN_MODES,
      name: serverMode,
      include: [SERVER],
      exclude: [...IGNORED, ...ONCE, ...(serverMode === 'embedded' ? [OVER_TWO] : [])],
      provide: { serverMode },
      ...(serverMode === 'embedded' ? {} : { globalSetup: [POSTGRES] }),
      ...(serverMode === 'redis-killed' ? { setupFiles: ['tests/support/test-progress.ts'] } : {}),
      ...(skips ? { runner: 'tests/support/skipping-runner.ts' } : {}),
    },
  }
}

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'fast', include: FAST, exclude: [...IGNORED, NEEDS_A_SERVER], testTimeout: 20_000 },
      },
      {
        test: {
          ...INTEGRATING,
          name: 'integration',
          include: [
            ...INTEGRATION,
            ...FAST.map((each) => each.replace('*.test.ts', '*.integration.test.ts')),
          ],
          exclude: [...IGNORED, FAST_IN_FAULTS],
          provide: { serverMode: 'postgres' },
          globalSetup: [POSTGRES],
        },
      },
      ...(['embedded', 'postgres', 'redis', 'redis-killed'] as const).map(inMode),
    ],
  },
})
