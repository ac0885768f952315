import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { call, expectOk, type Json, PASSWORD, type Person, request } from '../../support/person.js'
import { BINDINGS, callBinding, socketOf } from '../roles/calling.js'
import {
  ADMIN_TOKEN,
  asAdministrator,
  type CastName,
  closeCast,
  makeScene,
  type Scene,
  STANDINGS,
  type Standing,
  signUpCast,
} from '../roles/cast.js'
import { type Case, casesOf } from '../roles/role-table.js'
import { suiteServer } from '../roles/suite-server.js'
import { Watcher } from './watcher.js'

const suite = suiteServer()

/** Something that the server said, and to whom; null: to somebody without a token. */
type Said = { readonly to: Person | null; readonly what: string; readonly text: string }

/** What nobody but its owner may be shown. */
type Secrets = ReadonlyMap<Person, readonly string[]>

/** What nobody may be shown at all: hashes, addresses, the names of columns that hold them, and what runs the server. */
const FOR_NOBODY = [
  /\$argon2/,
  /password_?hash|digest/i,
  /\b127\.0\.0\.1\b|::1\b|::ffff/,
  /"ip"|ipAddress|remoteAddress/i,
  new RegExp(ADMIN_TOKEN),
  new RegExp(PASSWORD),
]

const device = (person: Person): string => `Device-of-${person.userId}`

/** Everybody on one more device, which names itself. */
async function secretsOf(scene: Scene): Promise<Secrets> {
  const secrets = new Map<Person, string[]>()
  for (const person of Object.values(scene.cast)) {
    const signedIn = await request(scene.url, 'POST', '/api/v1/auth/sign-in', {
      headers: { 'user-agent': device(person) },
      body: { email: person.email, password: PASSWORD },
    })
    const { sessions } = (await person.http('GET', '/auth/sessions')).body
    secrets.set(person, [
      person.email,
      person.accessToken,
      person.refreshToken,
      String(signedIn.body.accessToken),
      String(signedIn.body.refreshToken),
      device(person),
      ...(sessions as readonly { id: string }[]).map(({ id }) => id),
    ])
  }
  return secrets
}

/** Last, and in this order, so that each operation still finds the messages, members and logins that it needs. */
const ENDING = [
  'deleteMessage',
  'removeMember',
  'updateProfile',
  'refresh',
  'endSession',
  'changePassword',
  'signOut',
  'resetPassword',
]

const IN_ORDER = BINDINGS.toSorted((a, b) => ENDING.indexOf(a.operation.id) - ENDING.indexOf(b.operation.id))

/** Calls everything as everybody; what happens to be refused is as good an answer to look at. */
async function callEverything(
  scene: Scene,
  said: Said[],
  which: (testCase: Case) => boolean,
): Promise<Set<string>> {
  const succeeded = new Set<string>()
  for (const binding of IN_ORDER)
    for (const testCase of casesOf(binding.operation.id).filter(which))
      for (const who of STANDINGS) {
        const to = who === 'anonymous' ? null : scene.cast[who as CastName]
        const input = await testCase.input(scene, who)
        const { outcome, answer } = await callBinding(binding, scene.url, to, input)
        if (outcome === 'ok') succeeded.add(binding.label)
        said.push({
          to: speakerOf(binding.operation.id, scene, who),
          what: binding.label,
          text: JSON.stringify(answer),
        })
      }
  return succeeded
}

/** Who proves by a password or a code whom they are is spoken to as that one, with or without a token. */
const speakerOf = (operationId: string, { cast }: Scene, who: Standing): Person | null => {
  if (who !== 'anonymous') return cast[who]
  return operationId === 'signIn' ? cast.bystander : null
}

function leaks(said: readonly Said[], secrets: Secrets): string[] {
  return said.flatMap(({ to, what, text }) => {
    const foreign = [...secrets].flatMap(([person, own]) => (person === to ? [] : own))
    const found = [
      ...foreign.filter((secret) => text.includes(secret)),
      ...FOR_NOBODY.filter((pattern) => pattern.test(text)).map(String),
    ]
    return found.map(
      (secret) => `${what} told ${to?.name ?? 'nobody in particular'} ${secret} in ${text.slice(0, 300)}`,
    )
  })
}

/** Everybody's sockets, in the room where that is allowed. */
async function watch(scene: Scene): Promise<readonly (readonly [Person, Watcher])[]> {
  return Promise.all(
    Object.values(scene.cast).map(async (person) => {
      const watcher = await Watcher.connect(person, scene.url)
      await call(watcher.socket, 'room:join', { roomId: scene.roomId })
      return [person, watcher] as const
    }),
  )
}

const heardBy = (watchers: readonly (readonly [Person, Watcher])[]): Said[] =>
  watchers.flatMap(([to, { heard }]) =>
    heard.map(({ event, payload }) => ({ to, what: event, text: JSON.stringify(payload) })),
  )

describe('everything that the server says to anybody', () => {
  it('holds no e-mail address but one’s own, no hash, no address, and no token of another (input C13)', async () => {
    const scene = await makeScene(suite().cast)
    const secrets = await secretsOf(scene)
    const watchers = await watch(scene)
    const said: Said[] = []
    const succeeded = await callEverything(scene, said, ({ needs }) => needs !== 'people')
    await sleep(1_500)

    const own = await makeScene(await signUpCast(scene.url))
    const ownSecrets = new Map([...secrets, ...(await secretsOf(own))])
    const ownWatchers = await watch(own)
    for (const label of await callEverything(own, said, ({ needs }) => needs === 'people'))
      succeeded.add(label)
    await sleep(500)

    const heard = [...heardBy(watchers), ...heardBy(ownWatchers)]
    closeCast(own.cast)
    expect(leaks([...said, ...heard], ownSecrets)).toEqual([])

    // All of it was really said: each binding succeeded for somebody, and each kind of event was heard.
    const open = BINDINGS.filter(({ operation }) => operation.auth !== 'admin').map(({ label }) => label)
    expect(open.filter((label) => !succeeded.has(label))).toEqual([])
    expect(new Set(heard.map(({ what }) => what))).toEqual(
      new Set(['room:events', 'room:changed', 'receipt', 'presence', 'typing', 'session:ended']),
    )
    expect(said.length).toBeGreaterThan(300)
  })

  it('would be caught if it held any of them (input C13)', async () => {
    const scene = await makeScene(suite().cast)
    const secrets = await secretsOf(scene)
    const { owner, member } = scene.cast
    const text = (await owner.http('GET', '/me')).body
    const sessions = (await owner.http('GET', '/auth/sessions')).body
    const say = (to: Person, body: Json): Said => ({ to, what: 'test', text: JSON.stringify(body) })
    expect(leaks([say(owner, text), say(owner, sessions)], secrets)).toEqual([])
    expect(leaks([say(member, text)], secrets)).toHaveLength(1)
    expect(leaks([say(member, sessions)], secrets).length).toBeGreaterThan(1)
    expect(leaks([say(owner, { of: '127.0.0.1' })], secrets)).toHaveLength(1)
  })
})

describe('what an administrator is answered', () => {
  it('holds no e-mail address, hash, address or token either (input C13)', async () => {
    const scene = await makeScene(suite().cast)
    const secrets = await secretsOf(scene)
    const { userId } = scene.cast.bystander
    const said: Said[] = []
    for (const { http } of OPERATIONS.filter(({ auth }) => auth === 'admin')) {
      if (http === undefined) throw new Error('every administrator operation has a route')
      const path = http.path.replace('/admin', '').replace(':id', userId)
      const body = http.method === 'PATCH' ? { disabled: false } : http.method === 'POST' ? {} : undefined
      const answer = await asAdministrator(scene.url, http.method, path, body)
      said.push({ to: null, what: path, text: JSON.stringify([answer.body, [...answer.headers]]) })
    }
    expect(said.length).toBeGreaterThan(2)
    expect(leaks(said, secrets)).toEqual([])
  })
})

describe('a member of a room', () => {
  it('is known to the others by id, name, role and marker alone (input C13)', async () => {
    const { cast, roomId } = await makeScene(suite().cast)
    const { members, presence } = await expectOk(call(await socketOf(cast.observer), 'room:join', { roomId }))
    for (const member of members as readonly Json[])
      expect(Object.keys(member).toSorted()).toEqual(['displayName', 'joinedAt', 'readSeq', 'role', 'userId'])
    for (const state of presence as readonly Json[])
      expect(Object.keys(state).toSorted()).toEqual(['lastSeenAt', 'state', 'userId'])
  })
})
