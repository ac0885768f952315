import type { Message } from '../../../core/domain/message.js'
import type { RefreshFacts } from '../../../core/ports/account-repo-port.js'
import { makeMemoryStore } from '../memory-store.js'
import type { Store } from '../store.js'
import { brokenBy } from './broken-by.js'

const byClock = (messages: readonly Message[]): readonly Message[] =>
  messages.toSorted((a, b) => a.createdAtMs - b.createdAtMs)

/** Orders messages by the clocks of those who sent them. */
export function messagesByClock(): Store {
  const store = makeMemoryStore()
  const messages = brokenBy(store.messages, {
    page: async (roomId, window) => {
      const page = await store.messages.page(roomId, window)
      return { ...page, messages: byClock(page.messages) }
    },
  })
  return { ...store, messages }
}

/** Looks for more in one direction, whichever was asked, and takes a query for a pattern. */
export function carelessMessages(): Store {
  const store = makeMemoryStore()
  const messages = brokenBy(store.messages, {
    page: async (roomId, window) => {
      const page = await store.messages.page(roomId, window)
      const last = page.messages.at(-1)?.seq ?? page.headSeq
      return { ...page, hasMore: last < page.headSeq }
    },
    versions: async (messageId) => (await store.messages.versions(messageId)).slice(-1),
    search: async (roomId, query, beforeSeq, limit) => {
      const all = await store.messages.page(roomId, { before: beforeSeq, after: null, limit: 200 })
      const pattern = new RegExp(query.replaceAll(/[\\()*+?[\]{}|^$.]/g, '').replaceAll(/[%_]/g, '.*'), 'i')
      const found = all.messages.filter(({ text }) => pattern.test(text)).toReversed()
      return { ...all, messages: found.slice(0, limit), hasMore: found.length > limit }
    },
  })
  return { ...store, messages }
}

/** Lets a read marker go anywhere, opens a room for each retry, and counts tombstones as unread. */
export function carelessRooms(): Store {
  const store = makeMemoryStore()
  const rooms = brokenBy(store.rooms, {
    markRead: async (roomId, userId, seq) =>
      (await store.rooms.access(roomId, userId)) === null ? null : { readSeq: seq, moved: true },
    create: (room, ownerId) => store.rooms.create(room, ownerId, null),
    standings: async (roomIds, userIds) => {
      const standings = await store.rooms.standings(roomIds, userIds)
      return standings.map((standing) => ({ ...standing, unread: standing.headSeq - standing.readSeq }))
    },
  })
  return { ...store, rooms }
}

/** Takes the snapshot's head after its messages, so that an event between the two is in neither. */
export function tornSnapshots(): Store {
  const store = makeMemoryStore()
  const rooms = brokenBy(store.rooms, {
    snapshot: async (roomId, userId, limit) => {
      const snapshot = await store.rooms.snapshot(roomId, userId, limit)
      await new Promise((resolve) => setImmediate(resolve))
      const head = (await store.log.read(roomId, 0, 1))?.headSeq ?? 0
      return snapshot && { ...snapshot, headSeq: head }
    },
  })
  return { ...store, rooms }
}

/** Revokes by code alone, as often as asked. */
export function carelessInvitations(): Store {
  const store = makeMemoryStore()
  const invitations = brokenBy(store.invitations, {
    revoke: async (_roomId, code, atMs) => {
      const invitation = await store.invitations.find(code)
      await store.invitations.revoke(invitation?.roomId ?? '', code, atMs)
      return invitation !== null
    },
  })
  return { ...store, invitations }
}

/** Changes passwords and names, and leaves logins and logs as they are. */
export function forgetfulAccounts(): Store {
  const store = makeMemoryStore()
  const accounts = brokenBy(store.accounts, {
    setPassword: async (userId, passwordHash) => {
      const known = await store.accounts.find(userId)
      await store.accounts.rehash(userId, known?.passwordHash ?? '', passwordHash)
      return []
    },
    updateProfile: async (userId, profile) => {
      const known = await store.accounts.find(userId)
      return known && { ...known.user, ...profile }
    },
  })
  return { ...store, accounts }
}

/** Forgets that a token was spent. */
export function forgetfulLogins(): Store {
  const store = makeMemoryStore()
  const forget = (facts: RefreshFacts) => ({
    ...facts,
    spentAtMs: null,
    successorSpent: false,
    siblingSpent: false,
  })
  const logins = brokenBy(store.logins, {
    refresh: async (digest, atMs, decide) => {
      const refreshed = await store.logins.refresh(digest, atMs, (facts) => decide(forget(facts)))
      return refreshed && { ...refreshed, facts: forget(refreshed.facts) }
    },
  })
  return { ...store, logins }
}

/** Decides on a token before it is that token's turn, as if it read without a lock. */
export function hastyLogins(): Store {
  const store = makeMemoryStore()
  const logins = brokenBy(store.logins, {
    refresh: async (digest, atMs, decide) => {
      const seen = await store.logins.refresh(digest, atMs, () => ({ kind: 'refuse' }))
      if (seen === null) return null
      const refreshed = await store.logins.refresh(digest, atMs, () => decide(seen.facts))
      return refreshed && { ...refreshed, facts: seen.facts }
    },
  })
  return { ...store, logins }
}

/** Takes every place for one that a login was opened from. */
export function loginsFromAnywhere(): Store {
  const store = makeMemoryStore()
  return { ...store, logins: brokenBy(store.logins, { wasOpenedFrom: async () => true }) }
}

/** Forgets nothing, and says so. */
export function loginsForEver(): Store {
  const store = makeMemoryStore()
  return { ...store, logins: brokenBy(store.logins, { forget: async () => 0 }) }
}

/** Forgets by the wrong time, and all at once. */
export function hastilyForgottenLogins(): Store {
  const store = makeMemoryStore()
  const forget = (beforeMs: number) => store.logins.forget(beforeMs + 1, Number.MAX_SAFE_INTEGER)
  return { ...store, logins: brokenBy(store.logins, { forget }) }
}

/** Answers an end before it is stored. */
export function loginsThatEndLater(): Store {
  const store = makeMemoryStore()
  const logins = brokenBy(store.logins, {
    end: async (loginId, userId, reason, endedAtMs) => {
      setImmediate(() => void store.logins.end(loginId, userId, reason, endedAtMs))
      return { loginId, userId: userId ?? '', reason, endedAtMs }
    },
  })
  return { ...store, logins }
}

/** Finds the heads of every second room, and none of the logins that a new password ended. */
export function halfSweep(): Store {
  const store = makeMemoryStore()
  const sweep = brokenBy(store.sweep, {
    sweep: async (roomIds, sinceMs) => {
      const { heads, ended } = await store.sweep.sweep(
        roomIds.filter((_, index) => index % 2 === 0),
        sinceMs,
      )
      return { heads, ended: ended.filter(({ reason }) => reason !== 'password-changed') }
    },
  })
  return { ...store, sweep }
}
