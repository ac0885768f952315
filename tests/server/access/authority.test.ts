import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { call, type Json, Person, request } from '../../support/person.js'
import { ADMIN_TOKEN, asAdministrator, done, makeScene, type Scene } from '../roles/cast.js'
import { twoServers } from './two-servers.js'
import { Watcher } from './watcher.js'

const servers = twoServers()

const accept = (who: Person, code: string, url = who.url) =>
  who.http('POST', `/invitations/${code}/accept`, {}, url)

describe("another's message", () => {
  it('is neither edited nor deleted by a member, whatever it is called with (input C8)', async () => {
    const { one, two, cast } = servers()
    const { roomId, messages } = await makeScene(cast)
    const { socket } = await Watcher.connect(cast.member, two)
    const before = await done(cast.owner, 'GET', `/rooms/${roomId}/messages`)
    for (const messageId of [
      messages.owner,
      messages.moderator,
      messages.bystander,
      messages['former member'],
    ]) {
      expect(await call(socket, 'message:edit', { messageId, text: 'Mine.' })).toMatchObject({
        error: { code: 'FORBIDDEN' },
      })
      expect(await call(socket, 'message:delete', { messageId })).toMatchObject({
        error: { code: 'FORBIDDEN' },
      })
      for (const url of [one, two]) {
        const edited = await cast.member.http('PATCH', `/messages/${messageId}`, { text: 'Mine.' }, url)
        const deleted = await cast.member.http('DELETE', `/messages/${messageId}`, undefined, url)
        expect([edited.status, deleted.status]).toEqual([403, 403])
      }
    }
    expect(await done(cast.owner, 'GET', `/rooms/${roomId}/messages`)).toEqual(before)
  })

  it('stays as it is when somebody sends with its client id (input C8)', async () => {
    const { cast } = servers()
    const { roomId } = await makeScene(cast)
    const body = { clientMessageId: 'the-same-id', text: 'said first' }
    const first = await done(cast.owner, 'POST', `/rooms/${roomId}/messages`, body)
    const second = await done(cast.member, 'POST', `/rooms/${roomId}/messages`, {
      ...body,
      text: 'said next',
    })
    expect(first.message).toMatchObject({ senderId: cast.owner.userId, text: 'said first' })
    expect(second.message).toMatchObject({ senderId: cast.member.userId, text: 'said next' })
    const { versions } = await done(
      cast.owner,
      'GET',
      `/messages/${(first.message as { id: string }).id}/versions`,
    )
    expect(versions).toHaveLength(1)
  })
})

describe('a moderator', () => {
  it('who was demoted at one server is refused at the other from the moment of the ack (input C9)', async () => {
    const { one, two, cast } = servers()
    const { owner, moderator, bystander } = cast
    const scene = await makeScene(cast)
    const { roomId, messages, code } = scene
    const { socket } = await Watcher.connect(moderator, two)
    await done(owner, 'PATCH', `/rooms/${roomId}/members/${moderator.userId}`, { role: 'member' })
    const at = (url: string) => (method: string, path: string, body?: Json) =>
      moderator.http(method, path, body, url).then(({ status }) => status)
    const answers = await Promise.all([
      call(socket, 'message:delete', { messageId: messages.owner }).then((ack) =>
        ack.ok ? 200 : ack.error.code,
      ),
      ...[one, two]
        .map(at)
        .flatMap((http) => [
          http('DELETE', `/messages/${messages.bystander}`),
          http('PATCH', `/rooms/${roomId}`, { name: 'Still mine' }),
          http('POST', `/rooms/${roomId}/invitations`, { role: 'observer' }),
          http('DELETE', `/rooms/${roomId}/invitations/${code}`),
          http('DELETE', `/rooms/${roomId}/members/${bystander.userId}`),
        ]),
    ])
    expect(answers).toEqual(['FORBIDDEN', ...answers.slice(1).map(() => 403)])
    await expectUntouched(scene)
  })

  async function expectUntouched({ cast, roomId, messages, code }: Scene): Promise<void> {
    const { room } = await done(cast.owner, 'GET', `/rooms/${roomId}`)
    expect(room).toMatchObject({ name: 'A room' })
    const { versions } = await done(cast.owner, 'GET', `/messages/${messages.owner}/versions`)
    expect(versions).toHaveLength(1)
    expect((await accept(cast['non-member'], code)).status).toBe(200)
  }
})

describe('an invitation', () => {
  const invite = async ({ cast, roomId }: Scene, terms: Json = {}): Promise<string> =>
    String((await done(cast.owner, 'POST', `/rooms/${roomId}/invitations`, terms)).code)

  /** The answer to a code that never was. */
  const unknown = async (who: Person) => (await accept(who, 'A'.repeat(43))).body

  it('that has expired is answered as one that does not exist (input C14)', async () => {
    const { one, two, cast, sql } = servers()
    const scene = await makeScene(cast)
    const code = await invite(scene, { expiresInS: 60 })
    // A minute is the least that can be asked for, so the past is written into the row.
    await sql`update invitations set expires_at_ms = ${Date.now() - 1} where code = ${code}`
    for (const url of [one, two]) {
      const answer = await accept(cast['non-member'], code, url)
      expect(answer.status).toBe(404)
      expect(answer.body).toEqual(await unknown(cast['non-member']))
    }
    await sql`update invitations set expires_at_ms = ${Date.now() + 60_000} where code = ${code}`
    expect((await accept(cast['non-member'], code, two)).status).toBe(200)
  })

  it('that was used or revoked is answered as one that does not exist (input C14)', async () => {
    const { two, cast } = servers()
    const scene = await makeScene(cast)
    const used = await invite(scene)
    expect((await accept(cast['non-member'], used)).status).toBe(200)
    const revoked = await invite(scene)
    await done(cast.owner, 'DELETE', `/rooms/${scene.roomId}/invitations/${revoked}`)
    for (const code of [used, revoked]) {
      const answer = await accept(cast['former member'], code, two)
      expect(answer.status).toBe(404)
      expect(answer.body).toEqual(await unknown(cast['former member']))
    }
  })

  it('lets as many in as it may be used, when all come at the same moment at two servers (input C14)', async () => {
    const { one, two, cast } = servers()
    const { owner, ...others } = cast
    const roomId = await owner.createRoom()
    const code = await invite({ cast, roomId } as Scene, { maxUses: 2 })
    const answers = await Promise.all(
      Object.values(others).map((who, index) => accept(who, code, index % 2 === 0 ? one : two)),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(2)
    expect(statuses.filter((status) => status === 404)).toHaveLength(statuses.length - 2)
    const { members } = await done(owner, 'GET', `/rooms/${roomId}/members`)
    expect(members).toHaveLength(3)
  })

  it('of somebody whom the room has removed lets nobody in, at either server (input C14)', async () => {
    const { one, two, cast } = servers()
    const { roomId } = await makeScene(cast)
    const { owner, moderator } = cast
    const terms = { role: 'moderator', maxUses: 10 }
    const { code } = await done(moderator, 'POST', `/rooms/${roomId}/invitations`, terms)
    await done(owner, 'DELETE', `/rooms/${roomId}/members/${moderator.userId}`)
    for (const url of [one, two])
      for (const who of [moderator, cast['non-member']]) {
        const answer = await accept(who, String(code), url)
        expect(answer.status).toBe(404)
        expect(answer.body).toEqual(await unknown(who))
      }
  })

  it('is of no use to a user whom the administrator has shut out (input C14)', async () => {
    const { one, two, cast } = servers()
    const scene = await makeScene(cast)
    const guest = await Person.signUp(one, 'Guest')
    await asAdministrator(one, 'PATCH', `/users/${guest.userId}`, { disabled: true })
    for (const url of [one, two]) expect((await accept(guest, scene.code, url)).status).toBe(401)
    const { members } = await done(cast.owner, 'GET', `/rooms/${scene.roomId}/members`)
    expect(JSON.stringify(members)).not.toContain(guest.userId)
  })

  it('meets nobody who is banned from a room, because a room bans nobody (input C14)', async () => {
    const { cast } = servers()
    const names = OPERATIONS.flatMap(({ id, http, event }) => [id, http?.path ?? '', event ?? ''])
    expect(names.filter((name) => /\bban/i.test(name))).toEqual([])
    const scene = await makeScene(cast)
    for (const [method, path] of [
      ['POST', 'bans'],
      ['GET', 'bans'],
    ] as const)
      expect((await cast.owner.http(method, `/rooms/${scene.roomId}/${path}`)).status).toBe(404)
    // Who was removed comes back by an invitation of those who removed them, and by nothing else.
    expect((await accept(cast['former member'], await invite(scene))).status).toBe(200)
  })
})

describe('administration', () => {
  const ROUTES = OPERATIONS.filter(({ auth }) => auth === 'admin')

  const pathFor = (path: string, id: string): string => path.replace(':id', id)

  it('is refused to every user on REST, and nothing happens (input C15)', async () => {
    const { one, two, cast } = servers()
    const target = await Person.signUp(one, 'Target')
    const { sessions } = await done(target, 'GET', '/auth/sessions')
    const sessionId = String((sessions as readonly { id: string }[])[0]?.id)
    expect(ROUTES.length).toBeGreaterThan(2)
    for (const { http } of ROUTES) {
      if (http === undefined) throw new Error('every administrator operation has a route')
      const path = pathFor(http.path, http.path.includes('sessions') ? sessionId : target.userId)
      const body = http.method === 'PATCH' ? { disabled: true } : http.method === 'POST' ? {} : undefined
      for (const who of [cast.owner, cast['non-member'], target])
        for (const url of [one, two])
          expect((await who.http(http.method, path, body, url)).status, path).toBe(401)
      const { status } = await request(one, http.method, `/api/v1${path}`, { body })
      expect(status, `${path} without a token`).toBe(401)
    }
    expect((await target.http('GET', '/me', undefined, two)).status).toBe(200)
    expect((await target.signInAgain()).accessToken).not.toBe('')
  })

  it('has no event on a socket, by whatever name (input C15)', async () => {
    const { two, cast } = servers()
    expect(ROUTES.filter(({ event }) => event !== undefined)).toEqual([])
    const { bystander } = cast
    const { socket } = await Watcher.connect(cast.owner, two)
    const names = ROUTES.flatMap(({ id, http }) => [id, `${http?.method} ${http?.path}`, `admin:${id}`])
    for (const name of [
      ...names,
      'admin',
      'admin:user',
      'admin:session',
      'user:disable',
      'session:end',
      'serverSideEmit',
    ])
      expect(
        await call(socket, name, { userId: bystander.userId, disabled: true, token: ADMIN_TOKEN }),
      ).toMatchObject({
        ok: false,
        error: { code: 'VALIDATION_FAILED' },
      })
    expect((await bystander.http('GET', '/me')).status).toBe(200)
  })

  it('has a token that is nobody’s: it opens no socket and no route of users (input C15)', async () => {
    const { one, two, cast } = servers()
    const { roomId } = await makeScene(cast)
    const operator = Object.assign(Object.create(cast.owner) as Person, { accessToken: ADMIN_TOKEN })
    await expect(operator.connect(two)).rejects.toMatchObject({ data: { code: 'UNAUTHENTICATED' } })
    for (const path of ['/me', '/rooms', `/rooms/${roomId}`, '/auth/sessions'])
      expect((await request(one, 'GET', `/api/v1${path}`, { token: ADMIN_TOKEN })).status).toBe(401)
  })

  it('works for the administrator, at either server (input C15)', async () => {
    const { one, two } = servers()
    const target = await Person.signUp(one, 'Target')
    const device = await Watcher.connect(target, two)
    const reset = await asAdministrator(two, 'POST', `/users/${target.userId}/password-reset`, {})
    expect(reset.status).toBe(200)
    expect((await asAdministrator(one, 'PATCH', `/users/${target.userId}`, { disabled: true })).status).toBe(
      204,
    )
    await expect.poll(() => device.socket.connected, { timeout: 5_000 }).toBe(false)
    expect(device.heard.at(-1)).toEqual({ event: 'session:ended', payload: { reason: 'disabled' } })
    expect((await asAdministrator(one, 'PATCH', `/users/${uuidv7()}`, { disabled: true })).status).toBe(404)
  })
})
