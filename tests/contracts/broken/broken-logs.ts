import { MemoryClock, MemoryDatabase, MemoryIds, memoryRepos } from '../../../adapters/memory/index.js'
import { notFound } from '../../../core/domain/refusal.js'
import { ok } from '../../../core/domain/result.js'
import type { RoomEvent } from '../../../core/domain/room-event.js'
import type { RoomFacts, RoomLogPort, RoomWrite } from '../../../core/ports/room-log-port.js'
import { makeMemoryStore } from '../memory-store.js'
import { draftOf, type Store } from '../store.js'
import { brokenBy } from './broken-by.js'

type Wrapped = <A>(write: RoomWrite<A>) => RoomWrite<A>

/** A store whose log is broken in the writes that reach it. */
function withWrites(wrapped: Wrapped): Store {
  const store = makeMemoryStore()
  const write: RoomLogPort['write'] = (asked) => store.log.write(wrapped(asked))
  return { ...store, log: brokenBy(store.log, { write }) }
}

const withFacts = (change: (facts: RoomFacts) => RoomFacts): Store =>
  withWrites((write) => ({ ...write, decide: (facts) => write.decide(change(facts)) }))

/** Counts a seq for a write before it is known whether it is refused. */
export function logWithHoles(): Store {
  const clock = new MemoryClock()
  const database = new MemoryDatabase()
  const store = { ...memoryRepos(database), clock, ids: new MemoryIds(clock) }
  const write: RoomLogPort['write'] = async (asked) => {
    const count = () => {
      const room = database.rooms.get(asked.roomId)
      if (room !== undefined) room.heads = { ...room.heads, head: room.heads.head + 1 }
    }
    const result = await store.log.write(asked).catch((cause: unknown) => {
      count()
      throw cause
    })
    if (!result.ok) count()
    return result
  }
  return { ...store, log: brokenBy(store.log, { write }) }
}

/** Acks messages and stores none. */
export function forgetfulLog(): Store {
  const store = makeMemoryStore()
  const write: RoomLogPort['write'] = (asked) =>
    store.log.write({
      ...asked,
      decide: (facts) => {
        const decided = asked.decide(facts)
        if (!decided.ok) return decided
        const { changes, answer } = decided.value
        if (!changes.some(({ type }) => type === 'message.sent')) return decided
        const message = draftOf(store, asked.roomId, asked.actor.userId, '')
        const event = { type: 'message.sent', seq: facts.room.headSeq + 1, data: { message } }
        return ok({ changes: [], answer: () => answer([event as unknown as RoomEvent]) })
      },
    })
  return { ...store, log: brokenBy(store.log, { write }) }
}

/** Does not know a message again by its client id. */
export const logWithoutIdempotency = (): Store =>
  withWrites((write) => ({
    ...write,
    decide: (facts) => {
      const decided = write.decide({ ...facts, earlier: null })
      if (!decided.ok) return decided
      const changes = decided.value.changes.map((change) =>
        change.type === 'message.sent'
          ? { ...change, draft: { ...change.draft, clientMessageId: change.draft.id } }
          : change,
      )
      return ok({ ...decided.value, changes })
    },
  }))

/** Lets the writes of a login through that has ended. */
export const logOfEndlessLogins = (): Store => withFacts((facts) => ({ ...facts, loginIsLive: true }))

/** Decides on the members of before the write, as if it read them without a lock. */
export function logOfStaleMembers(): Store {
  const known = new Map<string, RoomFacts['actor']>()
  return withWrites((write) => ({
    ...write,
    decide: (facts) => {
      const key = `${write.roomId} ${write.actor.userId}`
      const actor = known.get(key) ?? facts.actor
      known.set(key, actor)
      return write.decide({ ...facts, actor })
    },
  }))
}

/** Never counts the uses of an invitation. */
export const logOfEndlessInvitations = (): Store =>
  withWrites((write) => ({
    ...write,
    decide: (facts) => {
      const decided = write.decide(facts)
      if (!decided.ok) return decided
      const changes = decided.value.changes.map((change) =>
        change.type === 'member.joined' ? { ...change, invitationCode: null } : change,
      )
      return ok({ ...decided.value, changes })
    },
  }))

/** Keeps texts in its log, and so replays what was deleted. */
export function logThatKeepsTexts(): Store {
  const store = makeMemoryStore()
  const kept = new Map<string, RoomEvent>()
  store.log.onCommitted(({ roomId, events }) => {
    for (const event of events) kept.set(`${roomId} ${event.seq}`, event)
  })
  const read: RoomLogPort['read'] = async (roomId, since, limit) => {
    const page = await store.log.read(roomId, since, limit)
    if (page === null) return null
    return { ...page, events: page.events.map((event) => kept.get(`${roomId} ${event.seq}`) ?? event) }
  }
  return { ...store, log: brokenBy(store.log, { read }) }
}

/** Tells its listeners only after the write was answered. */
export function logThatTellsLate(): Store {
  const store = makeMemoryStore()
  const onCommitted: RoomLogPort['onCommitted'] = (listener) =>
    store.log.onCommitted((commit) => void setImmediate(() => listener(commit)))
  return { ...store, log: brokenBy(store.log, { onCommitted }) }
}

/** Finds any message that exists, whatever room it lies in. */
export function logThatLooksIntoOtherRooms(): Store {
  const store = makeMemoryStore()
  const write: RoomLogPort['write'] = async (asked) => {
    const { messageId, replyTo } = asked.needs
    const message = messageId === undefined ? null : await store.messages.find(messageId)
    const quoted = replyTo === undefined ? null : await store.messages.find(replyTo)
    return store.log.write({
      ...asked,
      decide: (facts) => asked.decide({ ...facts, message, replyTo: quoted }),
    })
  }
  return { ...store, log: brokenBy(store.log, { write }) }
}

/** Decides on what it read when it was asked, and writes when its turn comes. */
export function logOfStaleFacts(): Store {
  const store = makeMemoryStore()
  const write: RoomLogPort['write'] = async (asked) => {
    let seen: RoomFacts | null = null
    const look = (facts: RoomFacts) => {
      seen = facts
      return notFound()
    }
    await store.log.write({ ...asked, decide: look })
    return store.log.write({ ...asked, decide: (facts) => asked.decide(seen ?? facts) })
  }
  return { ...store, log: brokenBy(store.log, { write }) }
}
