import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bodyOf, canariesIn, editedBody, parseBody } from './bodies.js'
import { HistoryWriter, historyOf, MalformedHistory, readHistory } from './history-file.js'
import { answerOf, receivedOf } from './wire.js'

const caller = { client: 'c1', user: 'u1', session: 's1', conn: 'k1', instance: 'i1' }

describe('A history file', () => {
  it('gives back what was written, and ends as info what had no outcome', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'parley-history-'))
    const path = join(directory, 'history.jsonl')
    const writer = new HistoryWriter(path, { run: 'r', seed: 1, configuration: {}, instances: ['i1'] })
    writer.connected(caller)
    const open = writer.call(caller, { f: 'send', room: 'R', cmid: 'm1', body: bodyOf('R', 'u1', 1) })
    const answered = writer.call(caller, { f: 'history', room: 'R', minSeq: 3 })
    answered.ok({ head: 3, messages: [] })
    answered.info('TOO_LATE')
    writer
      .call(caller, { f: 'edit', room: 'R', mid: 'm' })
      .fail('NOT_FOUND', { detail: bodyOf('R3', 'u9', 4) })
    writer.call(caller, { f: 'create' }).ok(answerOf({ room: { id: 'R2', name: 'x' } }))
    writer.received(caller, 'room:changed', { roomId: 'R', role: null })
    await writer.close()
    open.ok({})
    const history = await readHistory(path)
    await rm(directory, { recursive: true })
    expect(history.calls.map(({ type, f, code }) => [type, f, code])).toEqual([
      ['info', 'send', 'RUN_ENDED'],
      ['ok', 'history', undefined],
      ['fail', 'edit', 'NOT_FOUND'],
      ['ok', 'create', undefined],
    ])
    expect(history.calls.map(({ canaries }) => canaries)).toEqual([
      undefined,
      undefined,
      ['R3:u9:4'],
      undefined,
    ])
    expect(history.calls.at(-1)?.room).toBe('R2')
    expect(history.connections).toHaveLength(1)
    expect(history.received[0]).toMatchObject({ event: 'room:changed', room: 'R', removed: true })
  })

  it('is refused without a header', () => {
    expect(() => historyOf([])).toThrow(MalformedHistory)
  })
})

describe('Bodies', () => {
  it('tell their room, their author and their edits', () => {
    const body = editedBody(editedBody(bodyOf('r-1', 'u_2', 7), 'e1'), 'e-2')
    expect(parseBody(body)).toEqual({ room: 'r-1', user: 'u_2', counter: 7, edits: ['e1', 'e-2'] })
    expect(parseBody(`${body}!`)).toBeNull()
    expect(canariesIn({ deep: [{ text: body }, body, '2026-11-25T21:25:00Z'] })).toEqual(['r-1:u_2:7'])
  })
})

describe('What came over the wire', () => {
  const message = (seq: number) => ({
    id: `m${seq}`,
    seq,
    senderId: 'u1',
    clientMessageId: `c${seq}`,
    text: bodyOf('R', 'u1', seq),
    deletedAt: null,
  })

  it('shows up to where a page covers the room', () => {
    const page = { messages: [message(4), message(6)], hasMore: true, headSeq: 9 }
    expect(answerOf(page).messagesRange).toEqual({ from: 4, to: 9 })
    expect(answerOf(page, { before: 7 }).messagesRange).toEqual({ from: 4, to: 6 })
    expect(answerOf(page, { after: 2 }).messagesRange).toEqual({ from: 3, to: 6 })
    expect(answerOf({ ...page, hasMore: false }).messagesRange).toEqual({ from: 1, to: 9 })
    expect(answerOf({ messages: [], nextCursor: null, headSeq: 9 }).messagesRange).toBeUndefined()
  })

  it('shows up to where a log or a snapshot covers the room', () => {
    const sent = { seq: 4, type: 'message.sent', actorId: 'u1', data: { message: message(4) } }
    const left = { seq: 5, type: 'member.left', actorId: 'u2', data: { userId: 'u1' } }
    const log = answerOf({ events: [sent, left], headSeq: 9, hasMore: true }, { since: 3 })
    expect(log.entriesRange).toEqual({ from: 4, to: 5 })
    expect(log.entries).toMatchObject([{ mid: 'm4', message: { body: 'canary-R:u1:4' } }, { subject: 'u1' }])
    const joined = answerOf({ events: null, snapshot: { messages: [message(4)] }, presence: [], headSeq: 9 })
    expect(joined).toMatchObject({ messagesRange: { from: 1, to: 9 }, presence: [], canaries: ['R:u1:4'] })
  })

  it('is one line for each event of a packet', () => {
    const events = [1, 2].map((seq) => ({
      seq,
      type: 'message.sent',
      actorId: 'u1',
      data: { message: message(seq) },
    }))
    const lines = receivedOf('room:events', { roomId: 'R', events })
    expect(lines.map(({ entry, canaries }) => [entry?.seq, canaries])).toEqual([
      [1, ['R:u1:1']],
      [2, ['R:u1:2']],
    ])
  })
})
