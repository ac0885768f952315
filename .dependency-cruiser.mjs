/**
 * Dependencies point inward: apps → adapters → core. Each rule has a probe in tests/architecture/rules.test.ts, a planted
 * violation that must make exactly this rule fire.
 */

const TEST_FILE = '\\.test\\.ts$'
/** A package, wherever it is installed; scoped names are written `@scope/name`. */
const packages = (...names) => `(^|/)node_modules/(${names.join('|')})/`
/** What a package, a process or a thread starts from. */
const ENTRY_POINT = '(^|/)(index|main|worker)\\.ts$'
const OWN_FOLDERS = '^(core|adapters|apps|tests)/'

/** What each adapter folder may import besides the core, itself and Node's own modules. */
const TECHNOLOGY = {
  memory: ['node-cache'],
  postgres: ['postgres', 'postgrator'],
  redis: ['ioredis'],
  failover: [],
  system: ['uuid', 'jose', '@node-rs/argon2'],
  mediator: [],
}

const technologyRules = Object.entries(TECHNOLOGY).map(([folder, names]) => ({
  name: `technology-of-${folder}`,
  severity: 'error',
  comment: `adapters/${folder} may use ${names.length > 0 ? names.join(', ') : 'no package'}, and nothing else.`,
  from: { path: `^adapters/${folder}/`, pathNot: TEST_FILE },
  to: {
    pathNot: [OWN_FOLDERS, '^\\.', ...(names.length > 0 ? [packages(...names)] : [])],
    dependencyTypesNot: ['core'],
  },
}))

export default {
  forbidden: [
    {
      name: 'core-imports-core-only',
      severity: 'error',
      comment: "The core is plain TypeScript: no package, no adapter, and none of Node's own modules.",
      from: { path: '^core/', pathNot: TEST_FILE },
      // An import that does not resolve keeps its relative name and is judged by no-unresolvable-imports.
      to: { pathNot: ['^core/', '^\\.'] },
    },
    {
      name: 'adapters-do-not-know-apps',
      severity: 'error',
      comment: 'Dependencies point inward: apps → adapters → core.',
      from: { path: '^adapters/' },
      to: { path: '^apps/' },
    },
    {
      name: 'one-adapter-folder-knows-no-other',
      severity: 'error',
      comment: 'A folder is one technology. What joins two of them takes both through their ports.',
      from: { path: '^adapters/([^/]+)/' },
      to: { path: '^adapters/', pathNot: '^adapters/$1/' },
    },
    ...technologyRules,
    {
      name: 'adapters-are-named-in-compositions-only',
      severity: 'error',
      comment: 'Only a composition root chooses adapters; everything else in apps takes ports.',
      from: {
        path: '^apps/',
        pathNot: ['^apps/[^/]+/composition[/.-]', '^apps/(testing|examples)/', TEST_FILE],
      },
      to: { path: '^adapters/' },
    },
    {
      name: 'inversify-in-the-server-composition-only',
      severity: 'error',
      comment: 'Nothing but the composition of the server knows that there is a container.',
      from: { path: '^(apps|tests)/', pathNot: '^apps/server/composition[/.-]' },
      to: { path: packages('inversify', '@inversifyjs/[^/]+', 'reflect-metadata') },
    },
    {
      name: 'wire-libraries-in-apps-only',
      severity: 'error',
      comment: 'TypeBox, Fastify and Socket.io belong to the apps and to the tests that talk to them.',
      from: { pathNot: '^(apps|tests|core)/' },
      to: {
        path: packages(
          'typebox',
          'fastify',
          '@fastify/[^/]+',
          'socket\\.io',
          'socket\\.io-adapter',
          'socket\\.io-client',
        ),
      },
    },
    {
      name: 'testing-needs-node-cache-only',
      severity: 'error',
      comment: 'The in-memory system runs where no optional package is installed.',
      from: { path: '^apps/testing/index\\.ts$' },
      to: { path: '(^|/)node_modules/', pathNot: packages('node-cache'), reachable: true },
    },
    {
      name: 'client-stands-alone',
      severity: 'error',
      comment:
        'The client is bundled for browsers: it imports itself and socket.io-client, and nothing of Node, the core or the server.',
      from: { path: '^apps/client/', pathNot: TEST_FILE },
      to: { pathNot: ['^apps/client/', '^\\.', packages('socket\\.io-client')] },
    },
    {
      name: 'server-does-not-know-the-client',
      severity: 'error',
      comment:
        'What the client says on the wire is checked against the server by tests, in that direction alone.',
      from: { path: '^(core|adapters|apps/(server|testing))/', pathNot: TEST_FILE },
      to: { path: '^apps/client/' },
    },
    {
      name: 'cluster-starts-servers-as-processes',
      severity: 'error',
      comment:
        'Of the server, the cluster imports how it is configured and reached, and its database; the rest it runs, as users do.',
      from: { path: '^apps/cluster/', pathNot: TEST_FILE },
      to: {
        path: '^(core|adapters|apps)/',
        pathNot: [
          '^apps/cluster/',
          '^apps/server/(config|embedded-postgres)/',
          '^apps/server/http/(origins|proxies)\\.ts$',
        ],
      },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      comment: 'Only apps/testing passes something of the tests on: the port contracts.',
      from: { pathNot: ['^tests/', '^apps/testing/', TEST_FILE] },
      to: { path: '^tests/' },
    },
    {
      name: 'testing-passes-on-contracts-only',
      severity: 'error',
      comment: 'What ./testing imports is packed; of the tests, that is the port contracts.',
      from: { path: '^apps/testing/', pathNot: TEST_FILE },
      to: { path: '^tests/', pathNot: '^tests/contracts/' },
    },
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      comment:
        'Whoever writes an adapter runs the contracts with any test runner, and without the rest of our tests.',
      from: { path: '^tests/contracts/', pathNot: TEST_FILE },
      to: { pathNot: ['^(core|tests/contracts|adapters/memory)/', '^\\.'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Modules in a cycle can be neither understood nor replaced one at a time.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-dead-modules',
      severity: 'error',
      comment: 'Every module is reached from an entry point, not from its tests alone.',
      from: { path: ENTRY_POINT },
      to: { path: '^(core|adapters|apps)/', pathNot: [TEST_FILE, ENTRY_POINT], reachable: false },
    },
    {
      name: 'no-unresolvable-imports',
      severity: 'error',
      comment: 'An import that leads nowhere is judged by no other rule.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: '(^|/)node_modules/' },
    // The scratch scripts import the packed package by its name; they are judged where it is installed.
    exclude: { path: '^(dist|data|tests/embedding/scratch)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json', '.d.ts'],
    },
  },
}
