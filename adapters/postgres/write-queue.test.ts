import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { notFound } from '../../core/domain/refusal.js'
import type { RoomWrite } from '../../core/ports/room-log-port.js'
import { type WaitingWrite, WriteQueue } from './write-queue.js'

const waiting = (
  roomId: string,
  touches: RoomWrite<unknown>['touches'],
  expiresAt = 1_000,
): WaitingWrite => ({
  write: {
    roomId,
    touches,
    actor: { userId: 'u', loginId: null },
    atMs: 0,
    needs: {},
    decide: () => notFound(),
  },
  expiresAt,
  resolve: () => {},
  reject: () => {},
})

function queueOf(...writes: readonly WaitingWrite[]): WriteQueue {
  const queue = new WriteQueue()
  for (const write of writes) queue.add(write)
  return queue
}

const named = (writes: readonly WaitingWrite[]) =>
  writes.map(({ write }) => `${write.roomId} ${write.touches}`)

describe('WriteQueue', () => {
  it('takes writes that touch different things together, whatever their rooms', () => {
    const queue = queueOf(
      waiting('a', 'client:1'),
      waiting('b', 'client:1'),
      waiting('a', 'client:2'),
      waiting('a', 'message:1'),
    )
    assert.deepEqual(named(queue.take('free', 10)), ['a client:1', 'a client:2', 'a message:1', 'b client:1'])
    assert.equal(queue.length, 0)
  })

  it('lets a write that touches what an earlier one does wait, with all behind it in its room', () => {
    const queue = queueOf(waiting('a', 'client:1'), waiting('a', 'client:1'), waiting('a', 'client:2'))
    assert.deepEqual(named(queue.take('free', 10)), ['a client:1'])
    queue.giveBack('a', 'free')
    assert.deepEqual(named(queue.take('free', 10)), ['a client:1', 'a client:2'])
  })

  it('takes a write that touches the whole room alone', () => {
    const queue = queueOf(waiting('a', 'client:1'), waiting('a', 'room'), waiting('a', 'client:2'))
    const batches = [1, 2, 3].map(() => {
      const batch = named(queue.take('free', 10))
      queue.giveBack('a', 'free')
      return batch
    })
    assert.deepEqual(batches, [['a client:1'], ['a room'], ['a client:2']])
  })

  it('takes nothing more of a room until it is given back', () => {
    const queue = queueOf(waiting('a', 'client:1'))
    queue.take('free', 10)
    queue.add(waiting('a', 'client:2'))
    queue.add(waiting('b', 'client:1'))
    assert.deepEqual(named(queue.take('free', 10)), ['b client:1'])
  })

  it('does not let a room with many writes keep the others waiting', () => {
    const many = Array.from({ length: 5 }, (_, i) => waiting('a', `client:${i}`))
    const queue = queueOf(...many, waiting('b', 'client:1'))
    assert.deepEqual(named(queue.take('free', 2)), ['a client:0', 'a client:1'])
    queue.giveBack('a', 'free')
    assert.deepEqual(named(queue.take('free', 2)), ['b client:1', 'a client:2'])
  })

  it('takes all that may be committed of a room together, and passes over one that does not fit whole', () => {
    const three = Array.from({ length: 3 }, (_, i) => waiting('b', `client:${i}`))
    const others = ['c', 'd', 'e', 'f', 'g'].map((roomId) => waiting(roomId, 'client:0'))
    const queue = queueOf(waiting('a', 'client:0'), waiting('a', 'client:1'), ...three, ...others)
    assert.deepEqual(named(queue.take('free', 4)), ['a client:0', 'a client:1', 'c client:0', 'd client:0'])
    assert.deepEqual(named(queue.take('free', 4)), ['b client:0', 'b client:1', 'b client:2', 'e client:0'])
  })

  it('passes over no room for writes that could not be committed with its first anyway', () => {
    const queue = queueOf(
      waiting('a', 'client:0'),
      waiting('b', 'room'),
      waiting('b', 'client:1'),
      waiting('b', 'client:2'),
    )
    assert.deepEqual(named(queue.take('free', 3)), ['a client:0', 'b room'])
  })

  it('sets a contended room apart, with its writes in their order, until it is free again', () => {
    const queue = queueOf(waiting('a', 'client:1'), waiting('a', 'client:2'))
    const batch = queue.take('free', 10)
    queue.add(waiting('a', 'client:3'))
    queue.putBack(batch)
    queue.giveBack('a', 'contended')
    assert.equal(queue.length, 3)
    assert.deepEqual(named(queue.take('free', 10)), [])
    assert.deepEqual(named(queue.take('contended', 10)), ['a client:1', 'a client:2', 'a client:3'])
    queue.giveBack('a', 'free')
    queue.add(waiting('a', 'client:4'))
    assert.deepEqual(named(queue.take('contended', 10)), [])
    assert.deepEqual(named(queue.take('free', 10)), ['a client:4'])
  })

  it('gives up the writes whose time is up', () => {
    const queue = queueOf(
      waiting('a', 'client:1', 5),
      waiting('a', 'client:2', 20),
      waiting('b', 'client:1', 5),
    )
    assert.deepEqual(named(queue.takeExpired(10)), ['a client:1', 'b client:1'])
    assert.deepEqual(named(queue.take('free', 10)), ['a client:2'])
    assert.equal(queue.length, 0)
  })
})
