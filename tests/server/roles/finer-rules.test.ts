import { describe, expect, it } from 'vitest'
import type { Json, Person } from '../../support/person.js'
import { done, makeScene, type Scene } from './cast.js'
import { suiteServer } from './suite-server.js'

const suite = suiteServer()

type Role = 'owner' | 'moderator' | 'member' | 'observer'
const ROLES: readonly Role[] = ['owner', 'moderator', 'member', 'observer']

const codeOf = async (call: Promise<{ status: number; body: Json }>): Promise<string> => {
  const { status, body } = await call
  return status < 300 ? 'ok' : String(body.code)
}

const setRole = (scene: Scene, who: Person, target: Person, role: Role) =>
  codeOf(who.http('PATCH', `/rooms/${scene.roomId}/members/${target.userId}`, { role }))

const remove = (scene: Scene, who: Person, target: Person) =>
  codeOf(who.http('DELETE', `/rooms/${scene.roomId}/members/${target.userId}`))

/** A room in which the bystander has a role. */
async function sceneWithBystander(role: Role): Promise<Scene> {
  const scene = await makeScene(suite().cast)
  const { owner, bystander } = scene.cast
  if (role !== 'member')
    await done(owner, 'PATCH', `/rooms/${scene.roomId}/members/${bystander.userId}`, { role })
  return scene
}

const rolesOf = async ({ cast, roomId }: Scene): Promise<Record<string, string>> => {
  const { members } = await done(cast.owner, 'GET', `/rooms/${roomId}/members`)
  return Object.fromEntries(
    (members as readonly { displayName: string; role: string }[]).map(({ displayName, role }) => [
      displayName,
      role,
    ]),
  )
}

describe('removing', () => {
  const ALLOWED: Record<Role, Record<Role, string>> = {
    //          by: owner       moderator               member                observer
    owner: { owner: 'ok', moderator: 'FORBIDDEN', member: 'FORBIDDEN', observer: 'FORBIDDEN' },
    moderator: { owner: 'ok', moderator: 'FORBIDDEN', member: 'FORBIDDEN', observer: 'FORBIDDEN' },
    member: { owner: 'ok', moderator: 'ok', member: 'FORBIDDEN', observer: 'FORBIDDEN' },
    observer: { owner: 'ok', moderator: 'ok', member: 'FORBIDDEN', observer: 'FORBIDDEN' },
  }

  it.each(ROLES)('of an %s is allowed to those above alone', async (target) => {
    const scene = await sceneWithBystander(target)
    const { bystander } = scene.cast
    const outcomes: Record<string, string> = {}
    // From the least, so that who may do it does it last.
    for (const role of ROLES.toReversed()) {
      if ((await rolesOf(scene)).bystander === undefined) await rejoin(scene, target)
      outcomes[role] = await remove(scene, scene.cast[role], bystander)
    }
    expect(outcomes).toEqual(ALLOWED[target])
    expect((await rolesOf(scene)).bystander).toBeUndefined()
  })

  async function rejoin({ cast, roomId }: Scene, role: Role): Promise<void> {
    await cast.owner.invite(roomId, cast.bystander, role)
  }
})

describe('inviting', () => {
  const ALLOWED: Record<Role, Record<Role, string>> = {
    owner: { owner: 'ok', moderator: 'ok', member: 'ok', observer: 'ok' },
    moderator: { owner: 'FORBIDDEN', moderator: 'ok', member: 'ok', observer: 'ok' },
    member: { owner: 'FORBIDDEN', moderator: 'FORBIDDEN', member: 'FORBIDDEN', observer: 'FORBIDDEN' },
    observer: { owner: 'FORBIDDEN', moderator: 'FORBIDDEN', member: 'FORBIDDEN', observer: 'FORBIDDEN' },
  }

  it.each(ROLES)('by an %s gives a role up to one’s own', async (by) => {
    const { cast, shared } = suite()
    const outcomes: Record<string, string> = {}
    for (const role of ROLES)
      outcomes[role] = await codeOf(cast[by].http('POST', `/rooms/${shared.roomId}/invitations`, { role }))
    expect(outcomes).toEqual(ALLOWED[by])
  })

  it('gives exactly the role that the invitation names', async () => {
    for (const role of ROLES) {
      const scene = await makeScene(suite().cast)
      await scene.cast.owner.invite(scene.roomId, scene.cast['non-member'], role)
      expect((await rolesOf(scene))['non-member']).toBe(role)
    }
  })

  it('does not raise a member who accepts an invitation to a higher role, and keeps its use', async () => {
    const { cast, roomId } = await makeScene(suite().cast)
    const { code } = await done(cast.owner, 'POST', `/rooms/${roomId}/invitations`, { role: 'owner' })
    expect(await codeOf(cast.member.http('POST', `/invitations/${code}/accept`, {}))).toBe('ok')
    const { members } = await done(cast.owner, 'GET', `/rooms/${roomId}/members`)
    expect(members).toContainEqual(expect.objectContaining({ userId: cast.member.userId, role: 'member' }))
    expect(await codeOf(cast['non-member'].http('POST', `/invitations/${code}/accept`, {}))).toBe('ok')
  })

  it('does not let a moderator revoke an invitation of another room', async () => {
    const [here, there] = [await makeScene(suite().cast), await makeScene(suite().cast)]
    const { moderator } = here.cast
    expect(await codeOf(moderator.http('DELETE', `/rooms/${here.roomId}/invitations/${there.code}`))).toBe(
      'NOT_FOUND',
    )
    expect(await codeOf(here.cast['non-member'].http('POST', `/invitations/${there.code}/accept`, {}))).toBe(
      'ok',
    )
  })
})

describe('changing roles', () => {
  it.each(['moderator', 'member', 'observer'] as const)(
    'is refused to an %s, for anyone and any role',
    async (by) => {
      const { cast, shared } = suite()
      const before = await rolesOf(shared)
      for (const target of ['owner', 'moderator', 'member', 'observer', 'bystander'] as const)
        for (const role of ROLES)
          expect(await setRole(shared, cast[by], cast[target], role), `${target} to ${role}`).toBe(
            'FORBIDDEN',
          )
      expect(await rolesOf(shared)).toEqual(before)
    },
  )

  it('lets an owner give every role, and take it back', async () => {
    const scene = await makeScene(suite().cast)
    const { owner, bystander } = scene.cast
    for (const role of ['owner', 'observer', 'moderator', 'member'] as const) {
      expect(await setRole(scene, owner, bystander, role)).toBe('ok')
      expect((await rolesOf(scene)).bystander).toBe(role)
    }
  })

  it('answers NOT_FOUND for somebody who is not in the room', async () => {
    const { cast, shared } = suite()
    expect(await setRole(shared, cast.owner, cast['non-member'], 'member')).toBe('NOT_FOUND')
    expect(await setRole(shared, cast.owner, cast['former member'], 'member')).toBe('NOT_FOUND')
    expect(await remove(shared, cast.owner, cast['non-member'])).toBe('NOT_FOUND')
  })

  it('counts at once: who became an observer writes no more, and who became a member writes', async () => {
    const scene = await makeScene(suite().cast)
    const { owner, bystander, observer } = scene.cast
    const send = (who: Person, text: string) =>
      codeOf(who.http('POST', `/rooms/${scene.roomId}/messages`, { clientMessageId: text, text }))
    await setRole(scene, owner, bystander, 'observer')
    await setRole(scene, owner, observer, 'member')
    expect(await send(bystander, 'too-late')).toBe('FORBIDDEN')
    expect(await send(observer, 'just-in-time')).toBe('ok')
  })
})

describe('the last owner', () => {
  it.each(['moderator', 'member', 'observer'] as const)('cannot step down to %s', async (role) => {
    const scene = await makeScene(suite().cast)
    const { owner } = scene.cast
    expect(await setRole(scene, owner, owner, role)).toBe('CONFLICT')
    expect((await rolesOf(scene)).owner).toBe('owner')
  })

  it('cannot leave, and can once there is another', async () => {
    const scene = await makeScene(suite().cast)
    const { owner, bystander } = scene.cast
    expect(await remove(scene, owner, owner)).toBe('CONFLICT')
    await setRole(scene, owner, bystander, 'owner')
    expect(await remove(scene, owner, owner)).toBe('ok')
    expect(await remove(scene, bystander, bystander)).toBe('CONFLICT')
  })

  it('remains when two owners leave, step down and remove one another at the same moment', async () => {
    const attempts = [
      (scene: Scene, one: Person, _other: Person) => remove(scene, one, one),
      (scene: Scene, one: Person, _other: Person) => setRole(scene, one, one, 'observer'),
      (scene: Scene, one: Person, other: Person) => remove(scene, one, other),
    ]
    for (const attempt of attempts) {
      const scene = await sceneWithBystander('owner')
      const { owner, bystander, member } = scene.cast
      await Promise.all([attempt(scene, owner, bystander), attempt(scene, bystander, owner)])
      const { members } = await done(member, 'GET', `/rooms/${scene.roomId}/members`)
      expect((members as readonly { role: Role }[]).filter(({ role }) => role === 'owner')).toHaveLength(1)
    }
  })
})

describe('a direct room', () => {
  async function directRoom(): Promise<string> {
    const { owner, member } = suite().cast
    const roomId = await owner.createRoom({ kind: 'direct' })
    await owner.invite(roomId, member, 'member')
    return roomId
  }

  const invitation = async (roomId: string, role: Role, maxUses = 1): Promise<string> =>
    String((await done(suite().cast.owner, 'POST', `/rooms/${roomId}/invitations`, { role, maxUses })).code)

  const accept = (who: Person, code: string) => codeOf(who.http('POST', `/invitations/${code}/accept`, {}))

  it.each(['member', 'moderator', 'owner'] as const)(
    'answers CONFLICT to a third person, a %s',
    async (role) => {
      const { bystander } = suite().cast
      const roomId = await directRoom()
      expect(await accept(bystander, await invitation(roomId, role))).toBe('CONFLICT')
      expect((await bystander.http('GET', `/rooms/${roomId}`)).status).toBe(404)
    },
  )

  it('takes observers, and answers CONFLICT when one is made a participant', async () => {
    const { owner, observer, bystander } = suite().cast
    const roomId = await directRoom()
    const code = await invitation(roomId, 'observer', 2)
    expect(await accept(observer, code)).toBe('ok')
    expect(await accept(bystander, code)).toBe('ok')
    for (const role of ['member', 'moderator', 'owner'])
      expect(await codeOf(owner.http('PATCH', `/rooms/${roomId}/members/${observer.userId}`, { role }))).toBe(
        'CONFLICT',
      )
  })

  it('takes another once one of the two has left or watches only', async () => {
    const { owner, member, bystander, observer } = suite().cast
    const roomId = await directRoom()
    const code = await invitation(roomId, 'member', 2)
    await done(owner, 'PATCH', `/rooms/${roomId}/members/${member.userId}`, { role: 'observer' })
    expect(await accept(bystander, code)).toBe('ok')
    expect(await accept(observer, code)).toBe('CONFLICT')
    await done(bystander, 'DELETE', `/rooms/${roomId}/members/${bystander.userId}`)
    expect(await accept(observer, code)).toBe('ok')
  })

  it('takes one of several who come at the same moment', async () => {
    const { owner, ...others } = suite().cast
    const roomId = await owner.createRoom({ kind: 'direct' })
    const code = await invitation(roomId, 'member', 20)
    const outcomes = await Promise.all(Object.values(others).map((who) => accept(who, code)))
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'CONFLICT')).toHaveLength(outcomes.length - 1)
  })
})

describe('an observer', () => {
  it('reads the whole log, marks it read, and leaves', async () => {
    const { cast, roomId } = await makeScene(suite().cast)
    const { observer } = cast
    const { events, headSeq } = await done(observer, 'GET', `/rooms/${roomId}/events?since=0`)
    expect((events as readonly unknown[]).length).toBe(headSeq)
    expect(await codeOf(observer.http('PUT', `/rooms/${roomId}/read`, { seq: headSeq }))).toBe('ok')
    const { members } = await done(observer, 'GET', `/rooms/${roomId}/members`)
    expect(members).toContainEqual(expect.objectContaining({ userId: observer.userId, readSeq: headSeq }))
    expect(await codeOf(observer.http('DELETE', `/rooms/${roomId}/members/${observer.userId}`))).toBe('ok')
    expect((await observer.http('GET', `/rooms/${roomId}`)).status).toBe(404)
  })
})

describe('a member who joins later', () => {
  it('reads the whole log, also from before joining', async () => {
    const { cast, roomId } = await makeScene(suite().cast)
    await cast.owner.invite(roomId, cast['non-member'])
    const { events, headSeq } = await done(cast['non-member'], 'GET', `/rooms/${roomId}/events?since=0`)
    expect((events as readonly { seq: number }[]).map(({ seq }) => seq)).toEqual(
      Array.from({ length: Number(headSeq) }, (_, index) => index + 1),
    )
  })
})

describe('messages', () => {
  it('can be deleted by a moderator, whoever sent them, and edited by nobody but their senders', async () => {
    const { cast, messages } = await makeScene(suite().cast)
    for (const id of [messages.owner, messages.member, messages.observer, messages['former member']]) {
      expect(await codeOf(cast.owner.http('PATCH', `/messages/${id}`, { text: 'Mine now.' }))).toBe(
        id === messages.owner ? 'ok' : 'FORBIDDEN',
      )
      expect(await codeOf(cast.moderator.http('PATCH', `/messages/${id}`, { text: 'Mine now.' }))).toBe(
        'FORBIDDEN',
      )
      expect(await codeOf(cast.moderator.http('DELETE', `/messages/${id}`))).toBe('ok')
    }
  })

  it('cannot be flagged by their senders, not even to take a flag back', async () => {
    const { cast, messages, roomId } = await makeScene(suite().cast)
    expect(await codeOf(cast.member.http('POST', `/messages/${messages.member}/flag`, {}))).toBe('FORBIDDEN')
    await done(cast.bystander, 'POST', `/messages/${messages.member}/flag`, {})
    expect(await codeOf(cast.member.http('DELETE', `/messages/${messages.member}/flag`))).toBe('FORBIDDEN')
    const { messages: listed } = await done(cast.owner, 'GET', `/rooms/${roomId}/messages`)
    expect(listed).toContainEqual(
      expect.objectContaining({ id: messages.member, flaggedBy: [cast.bystander.userId] }),
    )
  })

  it('carry the reaction of the caller alone, and lose only that one', async () => {
    const { cast, messages } = await makeScene(suite().cast)
    const path = `/messages/${messages.owner}/reactions/${encodeURIComponent('🎉')}`
    await done(cast.member, 'PUT', path, {})
    await done(cast.bystander, 'PUT', path, {})
    const { message } = await done(cast.moderator, 'DELETE', path)
    expect(message).toMatchObject({ reactions: { '🎉': [cast.member.userId, cast.bystander.userId] } })
  })
})
