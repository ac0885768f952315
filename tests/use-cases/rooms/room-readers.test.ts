import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  MemoryCache,
  MemoryClock,
  MemoryDatabase,
  MemoryIds,
  memoryRepos,
  seededRandom,
} from '../../../adapters/memory/index.js'
import { DEFAULT_LIFETIMES } from '../../../core/domain/cache-lifetimes.js'
import type { RoomHeads } from '../../../core/domain/room.js'
import type { RoomAccess } from '../../../core/ports/room-repo-port.js'
import { RoomReaders } from '../../../core/use-cases/rooms/room-readers.js'
import { openRoom, type Person, type Store, signUp } from '../../contracts/store.js'

const AT_ONCE = 1_000
const headsAt = (head: number): RoomHeads => ({ head, messages: head, threads: 0, members: head })

describe('RoomReaders', () => {
  /** What the store says of the reader, and what the process knows of the room. */
  let stored: RoomAccess | null
  let known: RoomHeads | null
  let asked: number
  let held: (() => void)[] | null
  let readers: RoomReaders
  let cache: MemoryCache
  let member: Person
  let roomId: string

  beforeEach(async () => {
    const clock = new MemoryClock()
    const ids = new MemoryIds(clock, seededRandom(1))
    const store: Store = { ...memoryRepos(new MemoryDatabase()), clock, ids }
    member = await signUp(store, 'Nora')
    roomId = (await openRoom(store, member)).id
    stored = { ...(await accessOf(store)), heads: headsAt(5) }
    known = headsAt(5)
    asked = 0
    held = null
    cache = new MemoryCache(clock)
    readers = new RoomReaders({
      rooms: { access },
      log: store.log,
      cache,
      roomFeed: { headsOf: () => known },
      lifetimes: DEFAULT_LIFETIMES,
    })
  })

  const accessOf = async (store: Store): Promise<RoomAccess> => {
    const found = await store.rooms.access(roomId, member.user.id)
    if (found === null) throw new Error('the owner is no member')
    return found
  }
  /** Answers as things stand when it is asked, and when it is let to. */
  const access = async (): Promise<RoomAccess | null> => {
    asked += 1
    const [answer, waiting] = [stored, held]
    if (waiting !== null) await new Promise<void>((resolve) => void waiting.push(resolve))
    return answer
  }
  const hold = () => {
    held = []
  }
  const letGo = () => {
    const answers = held ?? []
    held = null
    for (const answer of answers) answer()
  }
  const admit = (minSeq?: number) =>
    readers.admit({ userId: member.user.id, loginId: member.login.id }, roomId, minSeq)
  const admitMany = async () => {
    hold()
    const admissions = Array.from({ length: AT_ONCE }, () => admit())
    await turn()
    letGo()
    return Promise.all(admissions)
  }
  /** What is answered to one who asks after `change`, while the question of another is under way from before it. */
  const answerAfter = async (change: () => void, minSeq?: number) => {
    hold()
    const before = admit()
    await turn()
    change()
    const after = admit(minSeq)
    await turn()
    letGo()
    await before
    return after
  }

  it('ask once for a thousand reads of a member that come at once, and remember it once (fault H2)', async () => {
    const put = vi.spyOn(cache, 'put')
    for (const { ok } of await admitMany()) expect(ok).toBe(true)
    expect(asked).toBe(1)
    expect(put).toHaveBeenCalledTimes(1)
  })

  it.each([
    [
      'of one who is no member',
      false,
      () => {
        stored = null
      },
    ],
    [
      'while it is not sure where the room stands',
      true,
      () => {
        known = null
      },
    ],
  ])('ask twice at most for a thousand that come at once %s (fault H2)', async (_, isAdmitted, given) => {
    given()
    for (const { ok } of await admitMany()) expect(ok).toBe(isAdmitted)
    expect(asked).toBeLessThanOrEqual(2)
  })

  it('admit who has joined since another read asked', async () => {
    const joined = stored
    stored = null
    const join = () => {
      stored = joined
    }
    expect(await answerAfter(join)).toMatchObject({ ok: true })
  })

  it('admit nobody by a question from before the removal, while it is not sure where the room stands', async () => {
    known = null
    const remove = () => {
      stored = null
    }
    expect(await answerAfter(remove)).toMatchObject({ ok: false, refusal: { code: 'NOT_FOUND' } })
  })

  it.each([
    ['the process knows', undefined],
    ['the read names', 7],
  ])('answer no heads from before an event that %s', async (_, minSeq) => {
    const say = () => {
      if (stored !== null) stored = { ...stored, heads: headsAt(7) }
      if (minSeq === undefined) known = headsAt(7)
    }
    expect(await answerAfter(say, minSeq)).toEqual({ ok: true, value: headsAt(7) })
  })
})
