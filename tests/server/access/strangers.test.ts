import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { call, expectOk, type Json, type Person, until } from '../../support/person.js'
import { done, makeScene, say } from '../roles/cast.js'
import { twoServers } from './two-servers.js'
import { Watcher } from './watcher.js'

const servers = twoServers()

const NOT_FOUND = { ok: false, error: { code: 'NOT_FOUND' } }

let written = 0
const draft = (roomId: string): Json & { roomId: string; clientMessageId: string } => {
  written += 1
  return { roomId, clientMessageId: `stranger-${written}`, text: 'Let me in.' }
}

const headOf = async (owner: Person, roomId: string): Promise<unknown> =>
  (await done(owner, 'GET', `/rooms/${roomId}`)).headSeq

describe('somebody who is not in a room', () => {
  it('sends nothing to it, at either server, over a socket or HTTP (input C1)', async () => {
    const { one, two, cast, sql } = servers()
    const { roomId } = await makeScene(cast)
    const stranger = cast['non-member']
    const insider = await Watcher.connect(cast.owner, two)
    const headSeq = await insider.join(roomId)
    for (const url of [one, two]) {
      const { socket } = await Watcher.connect(stranger, url)
      expect(await call(socket, 'message:send', draft(roomId))).toMatchObject(NOT_FOUND)
      const { roomId: _, ...body } = draft(roomId)
      expect((await stranger.http('POST', `/rooms/${roomId}/messages`, body, url)).status).toBe(404)
    }
    const stored = await sql`select id from messages where sender_id = ${stranger.userId}`
    expect([...stored]).toEqual([])
    expect(await headOf(cast.owner, roomId)).toBe(headSeq)
    expect(insider.logOf(roomId)).toEqual([])
  })

  it('is answered for a room as for one that does not exist, and hears nothing of it (input C2)', async () => {
    const { one, two, cast } = servers()
    const { roomId } = await makeScene(cast)
    const watchers = await Promise.all([one, two].map((url) => Watcher.connect(cast['non-member'], url)))
    for (const { socket } of watchers)
      for (const more of [{}, { since: 0 }, { since: 5 }]) {
        const there = await call(socket, 'room:join', { roomId, ...more })
        expect(there).toMatchObject(NOT_FOUND)
        expect(there).toEqual(await call(socket, 'room:join', { roomId: uuidv7(), ...more }))
      }
    const insider = await Watcher.connect(cast.owner, two)
    await insider.join(roomId)
    await say(cast.owner, roomId, 'said among ourselves')
    await until('who is in the room hears it', () => insider.logOf(roomId).length > 0)
    await sleep(1_500)
    for (const watcher of watchers) expect(watcher.about(roomId)).toEqual([])
  })

  it('reads nothing by an id that it has guessed (input C7)', async () => {
    const { one, two, cast } = servers()
    const { roomId, messages } = await makeScene(cast)
    const stranger = cast['non-member']
    const paths = [
      `/rooms/${roomId}`,
      `/rooms/${roomId}/members`,
      `/rooms/${roomId}/messages`,
      `/rooms/${roomId}/messages?limit=1`,
      `/rooms/${roomId}/events?since=0`,
      `/rooms/${roomId}/search?q=said`,
      `/rooms/${roomId}/presence`,
      ...Object.values(messages).flatMap((id) => [`/messages/${id}/around`, `/messages/${id}/versions`]),
    ]
    for (const url of [one, two]) {
      for (const path of paths) {
        const answer = await stranger.http('GET', path, undefined, url)
        expect(answer.status, path).toBe(404)
        expect(JSON.stringify(answer.body)).not.toMatch(/said/)
      }
      const { socket } = await Watcher.connect(stranger, url)
      for (const messageId of Object.values(messages))
        expect(await call(socket, 'message:around', { messageId })).toMatchObject(NOT_FOUND)
    }
  })

  it('finds no attachments to guess, because there are none (input C7)', async () => {
    const { one, cast } = servers()
    const names = OPERATIONS.flatMap(({ id, http, event, input, output }) => [
      ...[id, http?.path ?? '', event ?? ''],
      ...Object.keys(input.properties),
      ...Array.from(JSON.stringify(output).matchAll(/"(\w+)":/g), ([, name = '']) => name),
    ])
    expect(names.filter((name) => /attach|upload|(^|[^o])file/i.test(name))).toEqual([])
    for (const path of [`/attachments/${uuidv7()}`, `/files/${uuidv7()}`, `/uploads/${uuidv7()}`])
      for (const method of ['GET', 'POST', 'PUT'])
        expect((await cast.owner.http(method, path, method === 'GET' ? undefined : {}, one)).status).toBe(404)
  })

  it('is refused typing, receipts, reactions, flags and presence, and the members hear of none (input C11)', async () => {
    const { one, two, cast } = servers()
    const { roomId, messages } = await makeScene(cast)
    const stranger = cast['non-member']
    const insiders = await Promise.all([one, two].map((url) => Watcher.connect(cast.owner, url)))
    for (const insider of insiders) await insider.join(roomId)
    const headSeq = await headOf(cast.owner, roomId)
    const target = { messageId: messages.owner }
    for (const url of [one, two]) {
      const { socket } = await Watcher.connect(stranger, url)
      const events: readonly (readonly [string, Json])[] = [
        ['typing:set', { roomId, typing: true }],
        ['typing:set', { roomId, typing: false }],
        ['message:read', { roomId, seq: 3 }],
        ['message:react', { ...target, emoji: '👍', on: true }],
        ['message:flag', { ...target, on: true }],
        ['message:delete', target],
        ['message:edit', { ...target, text: 'Not mine.' }],
      ]
      for (const [event, payload] of events)
        expect(await call(socket, event, payload), event).toMatchObject(NOT_FOUND)
      expect((await stranger.http('GET', `/rooms/${roomId}/presence`, undefined, url)).status).toBe(404)
      await expectOk(call(socket, 'presence:set', { state: 'away' }))
    }
    await say(cast.owner, roomId, 'a last word')
    for (const insider of insiders) await until('the last word came', () => insider.logOf(roomId).length > 0)
    await sleep(1_200)
    for (const insider of insiders)
      expect(JSON.stringify(insider.about(roomId))).not.toContain(stranger.userId)
    expect(await headOf(cast.owner, roomId)).toBe(Number(headSeq) + 1)
  })

  it('finds no event that asks the mediator, because there is none yet (input C11)', async () => {
    const { two, cast } = servers()
    const { roomId } = await makeScene(cast)
    for (const person of [cast['non-member'], cast.owner]) {
      const { socket } = await Watcher.connect(person, two)
      for (const event of ['draft:analyze', 'thread:suggest', 'intervention:decide'])
        expect(await call(socket, event, { roomId, text: 'What do you think?' })).toMatchObject({
          ok: false,
          error: { code: 'VALIDATION_FAILED' },
        })
    }
  })

  it('learns nothing of the presence of people with whom it shares no room (input C16)', async () => {
    const { one, two, cast } = servers()
    const { roomId } = await makeScene(cast)
    const { owner, bystander } = cast
    const hidden = [cast['non-member'], cast['former member']]
    const watchers = await Promise.all(
      hidden.flatMap((person) => [one, two].map((url) => Watcher.connect(person, url))),
    )
    const insider = await Watcher.connect(owner, two)
    await insider.join(roomId)
    const appearing = await Watcher.connect(bystander, one)
    await expectOk(call(appearing.socket, 'presence:set', { state: 'away' }))
    const presences = () =>
      insider
        .about(roomId)
        .filter(({ event, payload }) => event === 'presence' && payload.userId === bystander.userId)
    await until('who shares a room is told', () =>
      presences().some(({ payload }) => payload.state === 'away'),
    )
    await sleep(1_200)
    for (const watcher of watchers)
      expect(watcher.heard.filter(({ event }) => event === 'presence')).toEqual([])
    for (const person of hidden) {
      const answer = await person.http('GET', `/rooms/${roomId}/presence`, undefined, two)
      expect(answer.status).toBe(404)
    }
  })

  it('is itself not among the presences of a room, also not after having been a member (input C16)', async () => {
    const { one, two, cast } = servers()
    const { roomId } = await makeScene(cast)
    const outside = [cast['non-member'], cast['former member']]
    const insider = await Watcher.connect(cast.owner, two)
    await insider.join(roomId)
    for (const person of outside) {
      const { socket } = await Watcher.connect(person, one)
      await expectOk(call(socket, 'presence:set', { state: 'away' }))
      await expectOk(call(socket, 'presence:set', { state: 'online' }))
    }
    const { members } = await done(cast.owner, 'GET', `/rooms/${roomId}/presence`)
    const joined = await expectOk(call(insider.socket, 'room:join', { roomId }))
    await sleep(1_200)
    const told = JSON.stringify([members, joined.presence, insider.about(roomId)])
    for (const { userId } of outside) expect(told).not.toContain(userId)
    expect(told).toContain(cast.owner.userId)
  })
})

describe('a reply', () => {
  const REPLY = 'an answer to something'

  it.each(['that the sender does not see', 'that the sender sees too'] as const)(
    'to a message of another room %s is refused, stored nowhere, and quotes nothing (input C10)',
    async (which) => {
      const { one, two, cast, sql } = servers()
      const [here, there] = [await makeScene(cast), await makeScene(cast)]
      const sender = cast[which === 'that the sender sees too' ? 'member' : 'non-member']
      const roomId = which === 'that the sender sees too' ? here.roomId : await sender.createRoom()
      const insider = await Watcher.connect(sender, two)
      const headSeq = await insider.join(roomId)
      const reply = (replyTo: string) => ({ ...draft(roomId), text: REPLY, replyTo })
      const nowhere = await call(insider.socket, 'message:send', reply(uuidv7()))
      for (const replyTo of [there.messages.owner, there.messages['former member']]) {
        const refused = await call(insider.socket, 'message:send', reply(replyTo))
        expect(refused).toMatchObject(NOT_FOUND)
        expect(refused).toEqual(nowhere)
        const { roomId: _, ...body } = reply(replyTo)
        const answer = await sender.http('POST', `/rooms/${roomId}/messages`, body, one)
        expect(answer.status).toBe(404)
        expect(JSON.stringify(answer.body)).not.toContain('said by')
      }
      expect(await headOf(sender, roomId)).toBe(headSeq)
      expect([...(await sql`select id from messages where text = ${REPLY}`)]).toEqual([])
    },
  )

  it('to a message of the same room is delivered with its id alone (input C10)', async () => {
    const { cast } = servers()
    const { roomId, messages } = await makeScene(cast)
    const { roomId: _, ...body } = { ...draft(roomId), replyTo: messages.owner }
    const { message } = await done(cast.member, 'POST', `/rooms/${roomId}/messages`, body)
    expect(message).toMatchObject({ replyTo: messages.owner })
    expect(JSON.stringify(message)).not.toContain('said by the owner')
  })
})
