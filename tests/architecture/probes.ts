/** Source text by path, laid out like this repository. */
export type Tree = Readonly<Record<string, string>>
export type Probe = Readonly<{ rule: string; because: string; plant: Tree }>

const PACKAGES = [
  '@fastify/cors',
  '@node-rs/argon2',
  'fastify',
  'inversify',
  'ioredis',
  'jose',
  'node-cache',
  'postgres',
  'postgrator',
  'socket.io',
  'socket.io-client',
  'typebox',
  'uuid',
  'vitest',
]

/** A small tree in which everything that is allowed happens once. */
export const CLEAN_TREE: Tree = {
  ...Object.fromEntries(
    PACKAGES.flatMap((name) => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
      [`node_modules/${name}/index.js`, 'exports.thing = 1'],
    ]),
  ),
  'core/index.ts': "export * from './domain/room.js'\nexport type * from './ports/clock-port.js'",
  'core/domain/room.ts': 'export const room = 1',
  'core/domain/room.test.ts': "import 'vitest'\nimport 'node:fs'\nimport './room.js'",
  'core/ports/clock-port.ts': 'export type ClockPort = { now(): number }',
  'adapters/memory/index.ts': "import 'node-cache'\nimport 'node:timers'\nexport * from './clock.js'",
  'adapters/memory/clock.ts': "export type { ClockPort as Clock } from '../../core/ports/clock-port.js'",
  'adapters/postgres/index.ts':
    "import 'postgres'\nimport 'postgrator'\nimport 'node:fs'\nimport '../../core/index.js'",
  'adapters/system/index.ts': "import 'uuid'\nimport 'jose'\nimport '@node-rs/argon2'",
  'adapters/mediator/index.ts': "import 'node:crypto'\nimport '../../core/index.js'",
  'adapters/redis/index.ts': "import 'ioredis'\nimport 'node:crypto'\nimport '../../core/index.js'",
  'adapters/failover/index.ts': "import 'node:crypto'\nimport '../../core/index.js'",
  'adapters/other/index.ts': 'export const other = 1',
  'apps/server/main.ts':
    "import './composition/index.js'\nimport './composition.js'\nimport './http/routes.js'\nimport './realtime.js'",
  'apps/server/composition.ts': "import '../../adapters/memory/index.js'",
  'apps/server/composition/index.ts':
    "import 'inversify'\nimport '../../../adapters/postgres/index.js'\nimport '../../../adapters/redis/index.js'\nimport '../../../adapters/failover/index.js'\nimport '../../../adapters/other/index.js'",
  'apps/server/http/routes.ts':
    "import 'fastify'\nimport 'typebox'\nimport '@fastify/cors'\nimport '../../../core/index.js'",
  'apps/server/realtime.ts': "import 'socket.io'",
  'apps/client/index.ts': "export * from './client.js'",
  'apps/client/client.ts': "import 'socket.io-client'\nexport const client = 1",
  'apps/client/client.test.ts':
    "import 'vitest'\nimport 'node:fs'\nimport '../server/realtime.js'\nimport './client.js'",
  'apps/cluster/main.ts':
    "import './cluster.js'\nimport '../server/config/read-config.js'\nimport '../server/embedded-postgres/index.js'\nimport '../server/http/origins.js'",
  'apps/cluster/cluster.ts': 'export const cluster = 1',
  'apps/server/config/read-config.ts': 'export const config = 1',
  'apps/server/embedded-postgres/index.ts': "import 'postgres'",
  'apps/server/http/origins.ts': "import 'node:http'",
  'apps/examples/embed/main.ts': "import '../../../adapters/system/index.js'",
  'apps/testing/index.ts':
    "import '../../adapters/memory/clock.js'\nexport * from '../../tests/contracts/clock-port.contract.js'",
  'tests/contracts/clock-port.contract.ts':
    "import 'node:assert/strict'\nimport '../../core/ports/clock-port.js'",
  'tests/contracts/clock.test.ts':
    "import 'vitest'\nimport '../support/postgres.js'\nimport './clock-port.contract.js'\nimport '../../adapters/system/index.js'",
  'tests/support/postgres.ts': "import 'postgres'\nimport '../../adapters/postgres/index.js'",
}

const leaf = 'export const leaf = 1'

/** What must be refused, and by which rule alone. */
export const PROBES: readonly Probe[] = [
  {
    rule: 'core-imports-core-only',
    because: 'the core imports a module of Node',
    plant: {
      'core/domain/room.ts': "import { randomUUID } from 'node:crypto'\nexport const room = randomUUID()",
    },
  },
  {
    rule: 'core-imports-core-only',
    because: 'the core imports only a type of a package',
    plant: {
      'core/domain/room.ts': "import type { Sql } from 'postgres'\nexport const room = (sql: Sql) => sql",
    },
  },
  {
    rule: 'core-imports-core-only',
    because: 'the core imports an adapter',
    plant: { 'core/domain/room.ts': "export * from '../../adapters/other/index.js'" },
  },
  {
    rule: 'core-imports-core-only',
    because: 'the core loads a package when it runs',
    plant: { 'core/domain/room.ts': "export const room = () => import('uuid')" },
  },
  {
    rule: 'adapters-do-not-know-apps',
    because: 'an adapter imports the configuration of the server',
    plant: {
      'apps/server/config.ts': leaf,
      'adapters/other/index.ts': "import '../../apps/server/config.js'",
    },
  },
  {
    rule: 'one-adapter-folder-knows-no-other',
    because: 'an adapter imports the memory adapter',
    plant: { 'adapters/other/index.ts': "import '../memory/clock.js'" },
  },
  {
    rule: 'technology-of-memory',
    because: 'the memory adapter imports a second package',
    plant: { 'adapters/memory/index.ts': "import 'uuid'\nexport * from './clock.js'" },
  },
  {
    rule: 'technology-of-postgres',
    because: 'the Postgres adapter makes tokens',
    plant: { 'adapters/postgres/index.ts': "import 'jose'" },
  },
  {
    rule: 'technology-of-redis',
    because: 'the Redis adapter imports the driver of another database',
    plant: { 'adapters/redis/index.ts': "import 'postgres'" },
  },
  {
    rule: 'technology-of-failover',
    because: 'a failover adapter knows what it falls over from',
    plant: { 'adapters/failover/index.ts': "import 'ioredis'" },
  },
  {
    rule: 'technology-of-system',
    because: 'the system adapter asks a database',
    plant: { 'adapters/system/index.ts': "import 'postgres'" },
  },
  {
    rule: 'technology-of-mediator',
    because: 'the mediator adapter imports a package',
    plant: { 'adapters/mediator/index.ts': "import 'uuid'" },
  },
  {
    rule: 'adapters-are-named-in-compositions-only',
    because: 'a route names an adapter',
    plant: { 'apps/server/http/routes.ts': "import '../../../adapters/memory/index.js'" },
  },
  {
    rule: 'adapters-are-named-in-compositions-only',
    because: 'a file merely begins like the composition',
    plant: {
      'apps/server/realtime.ts': "import './compositional.js'",
      'apps/server/compositional.ts':
        "import type { Clock } from '../../adapters/memory/clock.js'\nexport type C = Clock",
    },
  },
  {
    rule: 'inversify-in-the-server-composition-only',
    because: 'a route asks the container',
    plant: {
      'apps/server/http/routes.ts': "import type { Container } from 'inversify'\nexport type C = Container",
    },
  },
  {
    rule: 'inversify-in-the-server-composition-only',
    because: 'the composition of another app uses a container',
    plant: {
      'apps/examples/embed/main.ts': "import './composition.js'",
      'apps/examples/embed/composition.ts': "import 'inversify'",
    },
  },
  {
    rule: 'wire-libraries-in-apps-only',
    because: 'an adapter imports TypeBox',
    plant: { 'adapters/other/index.ts': "import 'typebox'" },
  },
  {
    rule: 'wire-libraries-in-apps-only',
    because: 'an adapter imports a plugin of Fastify',
    plant: { 'adapters/other/index.ts': "import '@fastify/cors'" },
  },
  {
    rule: 'wire-libraries-in-apps-only',
    because: 'an adapter imports Socket.io',
    plant: { 'adapters/other/index.ts': "import 'socket.io'" },
  },
  {
    rule: 'testing-needs-node-cache-only',
    because: 'the in-memory system reaches an optional package through an adapter',
    plant: { 'apps/testing/index.ts': "import '../../adapters/system/index.js'" },
  },
  {
    rule: 'client-stands-alone',
    because: 'the client imports a module of Node',
    plant: { 'apps/client/client.ts': "import 'node:fs'" },
  },
  {
    rule: 'client-stands-alone',
    because: 'the client imports a type of the core',
    plant: {
      'apps/client/client.ts':
        "import type { room } from '../../core/domain/room.js'\nexport type R = typeof room",
    },
  },
  {
    rule: 'client-stands-alone',
    because: 'the client imports the server',
    plant: { 'apps/client/client.ts': "import '../server/realtime.js'" },
  },
  {
    rule: 'client-stands-alone',
    because: 'the client imports a second package',
    plant: { 'apps/client/client.ts': "import 'uuid'" },
  },
  {
    rule: 'server-does-not-know-the-client',
    because: 'the server imports a type of the client',
    plant: {
      'apps/server/realtime.ts':
        "import type { client } from '../client/index.js'\nexport type C = typeof client",
    },
  },
  {
    rule: 'cluster-starts-servers-as-processes',
    because: 'the cluster imports a part of the server that serves',
    plant: { 'apps/cluster/cluster.ts': "import '../server/realtime.js'" },
  },
  {
    rule: 'cluster-starts-servers-as-processes',
    because: 'the cluster imports the core',
    plant: { 'apps/cluster/cluster.ts': "import '../../core/index.js'" },
  },
  {
    rule: 'nothing-imports-tests',
    because: 'the server imports a helper of the tests',
    plant: {
      'tests/support/wait.ts': leaf,
      'apps/server/realtime.ts': "import '../../tests/support/wait.js'",
    },
  },
  {
    rule: 'testing-passes-on-contracts-only',
    because: 'the in-memory system imports what is not packed',
    plant: { 'tests/support/wait.ts': leaf, 'apps/testing/index.ts': "import '../../tests/support/wait.js'" },
  },
  {
    rule: 'contracts-stand-alone',
    because: 'a contract needs our support code',
    plant: {
      'tests/support/wait.ts': leaf,
      'tests/contracts/clock-port.contract.ts': "import '../support/wait.js'",
    },
  },
  {
    rule: 'contracts-stand-alone',
    because: 'a contract that nobody passes on needs a test runner',
    plant: { 'tests/contracts/id-port.contract.ts': "import 'vitest'" },
  },
  {
    rule: 'no-cycles',
    because: 'two modules know each other',
    plant: {
      'core/domain/room.ts': "export * from './member.js'\nexport const room = 1",
      'core/domain/member.ts': "import { room } from './room.js'\nexport const member = room",
    },
  },
  {
    rule: 'no-cycles',
    because: 'three modules know each other by their types',
    plant: {
      'core/domain/room.ts': "import type { A } from './a.js'\nexport type Room = A",
      'core/domain/a.ts': "import type { B } from './b.js'\nexport type A = B",
      'core/domain/b.ts': "import type { Room } from './room.js'\nexport type B = Room | null",
    },
  },
  {
    rule: 'no-dead-modules',
    because: 'nobody imports a module',
    plant: { 'core/domain/forgotten.ts': leaf },
  },
  {
    rule: 'no-dead-modules',
    because: 'only its own test imports a module',
    plant: {
      'adapters/other/forgotten.ts': leaf,
      'adapters/other/forgotten.test.ts': "import './forgotten.js'",
    },
  },
  {
    rule: 'no-unresolvable-imports',
    because: 'a file is not there',
    plant: { 'apps/server/realtime.ts': "import './missing.js'" },
  },
  {
    rule: 'no-unresolvable-imports',
    because: 'a package is not installed',
    plant: { 'apps/server/realtime.ts': "import 'not-installed'" },
  },
]
