import { describe, expect, it } from 'vitest'
import type { RoomEvent } from '../../../core/domain/room-event.js'
import { splitAtDepartures } from './packets.js'

const stamp = (seq: number) => ({ seq, atMs: seq, actorId: 'actor' })
const deleted = (seq: number): RoomEvent => ({
  ...stamp(seq),
  type: 'message.deleted',
  data: { messageId: `m${seq}` },
})
const left = (seq: number, userId: string): RoomEvent => ({
  ...stamp(seq),
  type: 'member.left',
  data: { userId },
})
const shape = (events: readonly RoomEvent[]) =>
  splitAtDepartures(events).map(({ events: part, departed }) => [
    part.map(({ seq }) => seq),
    departed?.userId ?? null,
  ])

describe('splitAtDepartures', () => {
  it('keeps events together while nobody leaves', () => {
    expect(shape([deleted(1), deleted(2)])).toEqual([[[1, 2], null]])
  })

  it('ends a packet with each departure, so that it is the last thing the departed gets', () => {
    expect(shape([deleted(1), left(2, 'a'), deleted(3), left(4, 'b')])).toEqual([
      [[1, 2], 'a'],
      [[3, 4], 'b'],
    ])
  })

  it('cuts between two departures in a row', () => {
    expect(shape([left(1, 'a'), left(2, 'b'), deleted(3)])).toEqual([
      [[1], 'a'],
      [[2], 'b'],
      [[3], null],
    ])
  })

  it('makes no packet of nothing', () => {
    expect(splitAtDepartures([])).toEqual([])
  })
})
