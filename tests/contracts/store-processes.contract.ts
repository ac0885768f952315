import assert from 'node:assert/strict'
import type { RoomCommit } from '../../core/domain/room-event.js'
import { invite, outcomeOf } from './creating.js'
import {
  codeOf,
  digestOf,
  gaplessLog,
  headSeqOf,
  newDigest,
  newInvitation,
  newRoom,
  openRoom,
  openRoomOfThree,
  type Store,
  send,
  signUp,
  tryJoin,
  trySend,
  unknownHeads,
} from './store.js'

/** Two processes on one database. */
export type ProcessesFixture = { readonly first: Store; readonly second: Store }

const AT_ONCE = 40
const inTurns = ({ first, second }: ProcessesFixture, index: number): Store =>
  index % 2 === 0 ? first : second

/** What a database promises to several processes at once. */
export const storeProcessesContract = {
  'gives messages that two processes write to one room consecutive seqs': async (fixture) => {
    const { roomId, owner, member } = await openRoomOfThree(fixture.first)
    const sent = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) =>
        send(inTurns(fixture, i), roomId, i % 3 === 0 ? owner : member, `text ${i}`),
      ),
    )
    const log = await gaplessLog(fixture.first, roomId)
    assert.deepEqual(await gaplessLog(fixture.second, roomId), log)
    const stored = log.flatMap((event) => (event.type === 'message.sent' ? [event.data.message] : []))
    assert.deepEqual(
      stored,
      sent.toSorted((a, b) => a.seq - b.seq),
    )
  },
  'finishes where two processes write to the same rooms in opposite order': async (fixture) => {
    const { first } = fixture
    const owner = await signUp(first, 'Olive')
    const rooms = [await openRoom(first, owner), await openRoom(first, owner), await openRoom(first, owner)]
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, i) => {
        const order = i % 2 === 0 ? rooms : rooms.toReversed()
        await Promise.all(order.map((room) => send(inTurns(fixture, i), room.id, owner, `text ${i}`)))
      }),
    )
    for (const room of rooms) assert.equal((await gaplessLog(first, room.id)).length, 1 + AT_ONCE)
  },
  'stores one message for a client id that both are sent at once': async (fixture) => {
    const { roomId, owner } = await openRoomOfThree(fixture.first)
    const sent = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) =>
        send(inTurns(fixture, i), roomId, owner, 'once', { clientMessageId: 'same' }),
      ),
    )
    assert.equal(new Set(sent.map((message) => message.id)).size, 1)
    assert.equal((await gaplessLog(fixture.second, roomId)).length, 4)
  },
  'opens one room for a client id that both are asked for at once': async (fixture) => {
    const owner = await signUp(fixture.first, 'Olive')
    const key = { clientId: 'same', bodyDigest: digestOf('body') }
    const opened = await Promise.all(
      Array.from({ length: 10 }, (_, i) => {
        const store = inTurns(fixture, i)
        return store.rooms.create(newRoom(store), owner.actor, key)
      }),
    )
    assert.equal(opened.map(outcomeOf).filter((outcome) => outcome === 'created').length, 1)
    assert.equal((await fixture.second.rooms.listFor(owner.user.id, null, 10)).rooms.length, 1)
  },
  'tells each process of its own commits alone': async ({ first, second }) => {
    const { roomId, owner } = await openRoomOfThree(first)
    const told: [string, RoomCommit][] = []
    first.log.onCommitted((commit) => told.push(['first', commit]))
    second.log.onCommitted((commit) => told.push(['second', commit]))
    await send(first, roomId, owner, 'one')
    await send(second, roomId, owner, 'two')
    assert.deepEqual(
      told.map(([process, { heads }]) => [process, heads.head]),
      [
        ['first', 4],
        ['second', 5],
      ],
    )
  },
  'lets a process find what another one committed': async ({ first, second }) => {
    const { roomId, owner, member } = await openRoomOfThree(first)
    const message = await send(first, roomId, owner, 'hello')
    assert.deepEqual(await second.messages.find(message.id), message)
    assert.equal((await second.sweep.sweep(unknownHeads(roomId), 0)).heads.get(roomId)?.head, 4)
    assert.equal((await second.rooms.access(roomId, member.user.id))?.heads.messages, 4)
  },
  'lets nobody use an invitation up by asking two processes': async (fixture) => {
    const { roomId, owner } = await openRoomOfThree(fixture.first)
    const invitation = newInvitation(fixture.first, roomId, owner, { maxUses: 2 })
    await invite(fixture.first, invitation, owner)
    const guests = await Promise.all(
      Array.from({ length: 10 }, (_, i) => signUp(inTurns(fixture, i), `Guest ${i}`)),
    )
    await Promise.all(
      guests.map((guest, i) => tryJoin(inTurns(fixture, i), roomId, guest, 'member', invitation.code)),
    )
    assert.equal((await fixture.second.invitations.find(invitation.code))?.uses, 2)
    assert.equal((await fixture.second.rooms.members(roomId)).members.length, 3 + 2)
  },
  'serves a token that both are presented at once one after the other': async (fixture) => {
    const { refreshDigest } = await signUp(fixture.first, 'Ada')
    const atMs = fixture.first.clock.nowMs()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        inTurns(fixture, i).logins.refresh(refreshDigest, atMs, () => ({
          kind: 'issue',
          successorDigest: newDigest(),
        })),
      ),
    )
    assert.equal(answers.filter((answer) => answer?.facts.spentAtMs === null).length, 1)
  },
  'loses no settings that both are asked to change at once': async ({ first, second }) => {
    await first.storedSettings.change({ lifetimes: { sessionMs: null, memberMs: null, messagesMs: null } })
    for (let time = 0; time < AT_ONCE; time += 1) {
      const lifetimes = { sessionMs: 2_000 + time, memberMs: 3_000 + time }
      await Promise.all([
        first.storedSettings.change({ lifetimes: { sessionMs: lifetimes.sessionMs } }),
        second.storedSettings.change({ lifetimes: { memberMs: lifetimes.memberMs } }),
      ])
      assert.deepEqual((await first.storedSettings.read()).lifetimes, lifetimes)
      assert.deepEqual(await second.storedSettings.read(), await first.storedSettings.read())
    }
  },
  'commits no write of a login once another process has answered its end (input B11)': async (fixture) => {
    const { first, second } = fixture
    const { roomId, member } = await openRoomOfThree(first)
    const writes = Array.from({ length: 100 }, (_, i) => trySend(first, roomId, member, `text ${i}`))
    await second.logins.end(member.login.id, null, 'ended', second.clock.nowMs())
    const headAtEnd = await headSeqOf(second, roomId)
    const results = await Promise.all(writes)
    assert.equal(await headSeqOf(second, roomId), headAtEnd)
    assert.equal(results.filter((result) => result.ok).length, headAtEnd - 3)
    assert.equal(codeOf(await trySend(first, roomId, member, 'late')), 'UNAUTHENTICATED')
    await gaplessLog(first, roomId)
  },
} satisfies Record<string, (fixture: ProcessesFixture) => Promise<void>>
