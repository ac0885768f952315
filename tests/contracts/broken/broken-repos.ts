import type { Actor } from '../../../core/domain/account.js'
import type { RoomId } from '../../../core/domain/ids.js'
import type { Message } from '../../../core/domain/message.js'
import { ok } from '../../../core/domain/result.js'
import type { RefreshFacts } from '../../../core/ports/account-repo-port.js'
import type { MemberWrite } from '../../../core/ports/room-repo-port.js'
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
    versions: async (messageId) => {
      const { versions, headSeq } = await store.messages.versions(messageId)
      return { versions: versions.slice(-1), headSeq: headSeq - 1 }
    },
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
    markRead: async (roomId, actor, seq, atMs) => {
      const marked = await store.rooms.markRead(roomId, actor, seq, atMs)
      return marked.ok ? ok({ readSeq: seq, moved: true }) : marked
    },
    create: (room, owner) => store.rooms.create(room, owner, null),
    standings: async (of) => {
      const standings = await store.rooms.standings(of)
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
    revoke: async (_roomId, code, by) => {
      const invitation = await store.invitations.find(code)
      await store.invitations.revoke(invitation?.roomId ?? '', code, by)
      return ok(invitation !== null)
    },
  })
  return { ...store, invitations }
}

/** Writes for a login that has ended, as if it had been asked before whether it lives. */
export function writersOfEndlessLogins(): Store {
  const store = makeMemoryStore()
  const { rooms, invitations, accounts } = store
  const endless = ({ userId }: Actor): Actor => ({ userId, loginId: null })
  const by = (write: MemberWrite): MemberWrite => ({ ...write, actor: endless(write.actor) })
  return {
    ...store,
    rooms: brokenBy(rooms, {
      create: (room, owner, key) => rooms.create(room, endless(owner), key),
      markRead: (roomId, actor, seq, atMs) => rooms.markRead(roomId, endless(actor), seq, atMs),
    }),
    invitations: brokenBy(invitations, {
      create: (invitation, write, key) => invitations.create(invitation, by(write), key),
      revoke: (roomId, code, write) => invitations.revoke(roomId, code, by(write)),
    }),
    accounts: brokenBy(accounts, {
      updateProfile: (actor, profile, atMs) => accounts.updateProfile(endless(actor), profile, atMs),
      setPassword: (actor, passwordHash, atMs) => accounts.setPassword(endless(actor), passwordHash, atMs),
    }),
  }
}

/** Lets anyone make and revoke invitations. */
export function invitationsOfAnyone(): Store {
  const store = makeMemoryStore()
  const asOwner = async (roomId: RoomId): Promise<MemberWrite> => {
    const [owner] = (await store.rooms.members(roomId)).members
    return { actor: { userId: owner?.userId ?? '', loginId: null }, atMs: 0, allows: () => true }
  }
  const invitations = brokenBy(store.invitations, {
    create: async (invitation, _by, key) =>
      store.invitations.create(invitation, await asOwner(invitation.roomId), key),
    revoke: async (roomId, code) => store.invitations.revoke(roomId, code, await asOwner(roomId)),
  })
  return { ...store, invitations }
}

/** Changes passwords and names, and leaves logins and logs as they are. */
export function forgetfulAccounts(): Store {
  const store = makeMemoryStore()
  const accounts = brokenBy(store.accounts, {
    setPassword: async ({ userId }, passwordHash) => {
      const known = await store.accounts.find(userId)
      await store.accounts.rehash(userId, known?.passwordHash ?? '', passwordHash)
      return []
    },
    updateProfile: async ({ userId }, profile) => {
      const known = await store.accounts.find(userId)
      return known && { ...known.user, ...profile }
    },
  })
  return { ...store, accounts }
}

/** Forgets that a token was spent. */
export function forgetfulLogins(): Store {
  const store = makeMemoryStore()
  const forget = (facts: RefreshFacts) => ({ ...facts, spentAtMs: null, successorSpent: false })
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
    sweep: async (beyond, sinceMs) => {
      const { heads, ended } = await store.sweep.sweep(
        new Map([...beyond].filter((_, index) => index % 2 === 0)),
        sinceMs,
      )
      return { heads, ended: ended.filter(({ reason }) => reason !== 'password-changed') }
    },
  })
  return { ...store, sweep }
}

/** Gives whoever asks what is being read for someone else, whoever that is and since when. */
export function roomsReadForOthers(): Store {
  const store = makeMemoryStore()
  const underWay = new Map<RoomId, ReturnType<Store['rooms']['snapshot']>>()
  const rooms = brokenBy(store.rooms, {
    snapshot: (roomId, userId, messageLimit) => {
      const read = async () => {
        const snapshot = await store.rooms.snapshot(roomId, userId, messageLimit)
        await new Promise((resolve) => setImmediate(resolve))
        underWay.delete(roomId)
        return snapshot
      }
      const reading = underWay.get(roomId) ?? read()
      underWay.set(roomId, reading)
      return reading
    },
  })
  return { ...store, rooms }
}
