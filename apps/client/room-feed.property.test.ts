import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ScriptedLink } from '../../tests/support/scripted-link.js'
import { ROOM, ScriptedRoom, SELF } from '../../tests/support/scripted-room.js'
import { environmentOf } from './environment.js'
import { toParleyError } from './errors.js'
import { Heads } from './heads.js'
import { RoomFeed } from './room-feed.js'
import { RoomLog } from './room-log.js'
import type { RoomEvent } from './wire.js'

/** What becomes of a push: its delay, again after that, or nothing at all. */
const fate = fc.oneof(
  { weight: 5, arbitrary: fc.constant([0]) },
  { weight: 2, arbitrary: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 2 }) },
  { weight: 2, arbitrary: fc.constant([]) },
)
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('write' as const), kind: fc.nat(9), which: fc.nat(50), fate }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('cut' as const), awayMs: fc.integer({ min: 0, max: 900 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 300 }) }),
  },
)
/** When the server reads for an answer, and when the answer arrives. */
const delays = fc.array(fc.tuple(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 120 })), {
  minLength: 3,
  maxLength: 8,
})

function write(server: ScriptedRoom, kind: number, which: number): RoomEvent {
  const ids = [...server.messages.keys()]
  const id = ids[which % Math.max(1, ids.length)]
  if (id === undefined || kind <= 4)
    return server.send(`message ${server.headSeq}`, which % 2 === 0 ? SELF : 'user-other')
  if (kind <= 6) return server.edit(id, `edited at ${server.headSeq}`)
  if (kind === 7) return server.delete(id)
  return kind === 8 ? server.react(id, '👍') : server.unheardOf()
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('RoomFeed over a bad network', () => {
  it('never shows a gap, and in the end what the server has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), delays, async (steps, answerDelays) => {
        const server = new ScriptedRoom(1_000)
        const link = new ScriptedLink()
        const log = new RoomLog(SELF, 10_000)
        const heads = new Heads()
        let connection = {}
        let asked = 0
        let lastSeq = 0
        // What is thrown at the feed is taken for a failed request and tried again: it is looked at in the end.
        const wrong: unknown[] = []
        link.onCall = ({ name, payload, answer, refuse }) => {
          const [readMs, arriveMs] = answerDelays[asked % answerDelays.length] ?? [0, 0]
          asked += 1
          const on = connection
          setTimeout(() => {
            const since = payload.since as number | undefined
            const data = name === 'room:join' ? server.joined(since) : server.sync(since ?? 0, 3)
            setTimeout(
              () => (on === connection ? answer(data) : refuse(toParleyError(new Error('gone')))),
              arriveMs,
            )
          }, readMs)
        }
        const feed = new RoomFeed({
          roomId: ROOM,
          userId: SELF,
          log,
          link: link.asLink,
          heads,
          environment: environmentOf({ random: () => 0.5 }),
          onChange: () => {
            // Whatever is shown was so at that head: every message up to it, and none after.
            const sent = server.log
              .slice(0, log.headSeq)
              .flatMap((event) => (event.type === 'message.sent' ? event.seq : []))
            const shown = log.listMessages().map(({ seq }) => seq)
            const isWrong = log.isStarted && JSON.stringify(shown) !== JSON.stringify(sent)
            if (log.headSeq < lastSeq || isWrong) wrong.push({ lastSeq, headSeq: log.headSeq, shown, sent })
            lastSeq = log.headSeq
          },
          onJoined: () => undefined,
          onEnded: (error) => wrong.push({ ended: error }),
        })
        feed.enter()
        for (const one of steps) {
          if (one.do === 'wait') await vi.advanceTimersByTimeAsync(one.ms)
          else if (one.do === 'cut') {
            connection = {}
            feed.leave()
            await vi.advanceTimersByTimeAsync(one.awayMs)
            feed.enter()
          } else {
            const event = write(server, one.kind, one.which)
            const on = connection
            for (const delayMs of one.fate)
              setTimeout(() => {
                if (on === connection) feed.receive([event])
              }, delayMs)
          }
        }
        await vi.advanceTimersByTimeAsync(1_000)
        heads.note(ROOM, server.headSeq)
        feed.check()
        await vi.advanceTimersByTimeAsync(60_000)
        expect(wrong).toEqual([])
        expect(log.headSeq).toBe(server.headSeq)
        expect(feed.isLive).toBe(true)
        expect(log.listMessages()).toEqual([...server.messages.values()])
        feed.close()
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 150 },
    )
  }, 60_000)
})
