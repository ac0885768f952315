import { describe, expect, it } from 'vitest'
import { ScriptedRoom, SELF } from '../../tests/support/scripted-room.js'
import { RoomLog } from './room-log.js'
import type { Message, RoomEvent } from './wire.js'

/** A log that begins with the newest two of five messages, m-3 to m-7. */
function newestTwo(kept = 100): { server: ScriptedRoom; log: RoomLog } {
  const server = new ScriptedRoom(2)
  for (const text of ['one', 'two', 'three', 'four', 'five']) server.send(text)
  const log = new RoomLog(SELF, kept)
  const answer = server.joined()
  log.reset(answer, answer.snapshot?.messages ?? [], 2)
  return { server, log }
}

const older = (server: ScriptedRoom): Message[] => [...server.messages.values()].slice(0, 3)
const texts = (log: RoomLog): string[] => log.listMessages().map(({ text }) => text)
const applyAll = (log: RoomLog, events: readonly RoomEvent[]): void => {
  for (const event of events) log.apply(event)
}

describe('RoomLog', () => {
  it('puts a page of older messages before the others', () => {
    const { server, log } = newestTwo()
    expect(texts(log)).toEqual(['four', 'five'])
    expect(log.hasOlder).toBe(true)
    log.expectOlder()
    log.prepend(older(server), server.headSeq, false)
    expect(texts(log)).toEqual(['one', 'two', 'three', 'four', 'five'])
    expect(log.hasOlder).toBe(false)
  })

  it('applies to a page what came between its reading and its arrival', () => {
    const { server, log } = newestTwo()
    log.expectOlder()
    const page = older(server)
    const { headSeq } = server
    applyAll(log, [server.edit('m-3', 'one, corrected'), server.delete('m-4'), server.react('m-5', '👍')])
    log.prepend(page, headSeq, false)
    expect(log.listMessages()).toEqual([...server.messages.values()])
  })

  it('does not undo in a page what was done before its reading', () => {
    const { server, log } = newestTwo()
    log.expectOlder()
    const behind = [server.edit('m-3', 'first try'), server.delete('m-3'), server.react('m-4', '👍')]
    const page = older(server)
    log.prepend(page, server.headSeq, false)
    const before = log.listMessages()
    // Pushed as they were committed, and later than the page.
    applyAll(log, behind)
    expect(log.listMessages()).toEqual(before)
    expect(texts(log)[0]).toBe('')
  })

  it('keeps no more messages than it may, and says that there are older ones', () => {
    const { server, log } = newestTwo(10)
    log.prepend(older(server), server.headSeq, false)
    const { generation } = log
    for (let count = 1; count <= 30; count += 1) log.apply(server.send(`message ${count}`))
    expect(log.listMessages().length).toBeLessThanOrEqual(11)
    expect(texts(log).at(-1)).toBe('message 30')
    expect(log.hasOlder).toBe(true)
    expect(log.generation).toBeGreaterThan(generation)
  })

  it('changes no list and no message that it has shown', () => {
    const { server, log } = newestTwo()
    const shown = log.listMessages()
    const copy = structuredClone(shown)
    applyAll(log, [server.edit('m-6', 'changed'), server.send('six'), server.delete('m-7')])
    expect(shown).toEqual(copy)
    expect(texts(log)).toEqual(['changed', '', 'six'])
    const again = log.listMessages()
    expect(log.listMessages()).toBe(again)
  })

  it('knows members as they come, change and go, with how far they have read', () => {
    const { server, log } = newestTwo()
    applyAll(log, [server.join('user-third')])
    expect(log.markRead('user-third', 5)).toBe(true)
    expect(log.markRead('user-third', 4)).toBe(false)
    expect(log.readSeqOf('user-third')).toBe(5)
    const changed = {
      seq: log.headSeq + 1,
      type: 'member.changed',
      at: '2026-01-01T00:00:00.000Z',
      actorId: SELF,
      data: { userId: 'user-third', role: 'moderator', displayName: 'Third' },
    } as const
    log.apply(changed)
    expect(log.listMembers().at(-1)).toMatchObject({ displayName: 'Third', role: 'moderator', readSeq: 5 })
    log.apply({ ...changed, seq: log.headSeq + 1, type: 'member.left', data: { userId: 'user-third' } })
    expect(log.hasMember('user-third')).toBe(false)
  })

  it('takes the read markers of an answer that is older than what it holds, and nothing else', () => {
    const { server, log } = newestTwo()
    const answer = server.joined()
    log.apply(server.send('six'))
    log.adopt({
      ...answer,
      role: 'observer',
      members: answer.members.map((member) => ({ ...member, readSeq: 3, displayName: 'Old' })),
    })
    expect(log.role).toBe('member')
    expect(log.listMembers()[0]).toMatchObject({ readSeq: 3, displayName: SELF })
    expect(log.room?.headSeq).toBe(8)
  })
})
