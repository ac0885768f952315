import assert from 'node:assert/strict'
import type { Message } from '../../core/domain/message.js'
import {
  edit,
  openRoom,
  openRoomOfThree,
  remove,
  type Store,
  type StoreContract,
  send,
  sendAll,
  updateRoom,
} from './store.js'
import { tamper } from './tamper.js'

const NEWEST = { before: null, after: null }
const texts = (messages: readonly Message[]) => messages.map((message) => message.text)

/** Messages a to e as seq 4, 5, 7, 8, 9: an event that is no message lies between them. */
async function openRoomOfFiveMessages(store: Store) {
  const opened = await openRoomOfThree(store)
  const { roomId, owner } = opened
  const first = await sendAll(store, roomId, owner, ['a', 'b'])
  await updateRoom(store, roomId, owner.actor, { name: 'Renamed' })
  const messages = [...first, ...(await sendAll(store, roomId, owner, ['c', 'd', 'e']))]
  const read = async (before: number | null, after: number | null, limit: number) => {
    const page = await store.messages.page(roomId, { before, after, limit })
    return { texts: texts(page.messages).join(''), hasMore: page.hasMore, headSeq: page.headSeq }
  }
  return { ...opened, messages, read }
}

const pages = {
  'answers the newest messages, ascending, when neither before nor after is given': async (store) => {
    const { read } = await openRoomOfFiveMessages(store)
    assert.deepEqual(await read(null, null, 3), { texts: 'cde', hasMore: true, headSeq: 9 })
    assert.deepEqual(await read(null, null, 5), { texts: 'abcde', hasMore: false, headSeq: 9 })
    assert.deepEqual(await read(null, null, 200), { texts: 'abcde', hasMore: false, headSeq: 9 })
  },
  'answers the messages nearest below `before`, and whether there are older ones': async (store) => {
    const { read } = await openRoomOfFiveMessages(store)
    assert.deepEqual(await read(8, null, 2), { texts: 'bc', hasMore: true, headSeq: 9 })
    assert.deepEqual(await read(8, null, 3), { texts: 'abc', hasMore: false, headSeq: 9 })
    assert.deepEqual(await read(7, null, 1), { texts: 'b', hasMore: true, headSeq: 9 })
    assert.deepEqual(await read(4, null, 10), { texts: '', hasMore: false, headSeq: 9 })
    assert.deepEqual(await read(0, null, 10), { texts: '', hasMore: false, headSeq: 9 })
    assert.deepEqual(await read(Number.MAX_SAFE_INTEGER, null, 2), { texts: 'de', hasMore: true, headSeq: 9 })
  },
  'answers the messages nearest above `after`, and whether there are newer ones': async (store) => {
    const { read } = await openRoomOfFiveMessages(store)
    assert.deepEqual(await read(null, 0, 2), { texts: 'ab', hasMore: true, headSeq: 9 })
    assert.deepEqual(await read(null, 5, 2), { texts: 'cd', hasMore: true, headSeq: 9 })
    assert.deepEqual(await read(null, 5, 3), { texts: 'cde', hasMore: false, headSeq: 9 })
    assert.deepEqual(await read(null, 9, 3), { texts: '', hasMore: false, headSeq: 9 })
    assert.deepEqual(await read(null, Number.MAX_SAFE_INTEGER, 3), {
      texts: '',
      hasMore: false,
      headSeq: 9,
    })
  },
  'shows tombstones without text, and messages of this room only': async (store) => {
    const { roomId, owner, messages } = await openRoomOfFiveMessages(store)
    const other = await openRoom(store, owner)
    await send(store, other.id, owner, 'elsewhere')
    await remove(store, owner.actor, messages[3] ?? assert.fail())
    const page = await store.messages.page(roomId, { ...NEWEST, limit: 10 })
    assert.deepEqual([texts(page.messages), page.headSeq], [['a', 'b', 'c', '', 'e'], 10])
    const tombstone = page.messages[3]
    assert.deepEqual([tombstone?.id, tombstone?.deletedAtMs === null], [messages[3]?.id, false])
  },
  'answers an empty page at head 0 where there is no such room': async (store) => {
    const page = await store.messages.page(store.ids.next(), { ...NEWEST, limit: 10 })
    assert.deepEqual(page, { messages: [], hasMore: false, headSeq: 0 })
  },
  'finds a message by id, and null for one that nobody sent': async (store) => {
    const { messages } = await openRoomOfFiveMessages(store)
    const [first] = messages
    assert.deepEqual(await store.messages.find(first?.id ?? ''), first)
    assert.equal(await store.messages.find(store.ids.next()), null)
  },
  'does not change when an answer is changed': async (store) => {
    const { roomId, messages } = await openRoomOfFiveMessages(store)
    const [first] = messages
    const read = async () => [
      await store.messages.find(first?.id ?? ''),
      await store.messages.page(roomId, { ...NEWEST, limit: 10 }),
      (await store.messages.versions(first?.id ?? '')).versions,
      await store.messages.search(roomId, 'a', null, 10),
    ]
    const before = structuredClone(await read())
    tamper(await read())
    assert.deepEqual(await read(), before)
  },
} satisfies StoreContract

const around = {
  'puts the target in the middle, as far as there are messages': async (store) => {
    const { messages } = await openRoomOfFiveMessages(store)
    const read = async (index: number, limit: number) => {
      const found = await store.messages.around(messages[index]?.id ?? '', limit)
      return [texts(found?.messages ?? []).join(''), found?.headSeq]
    }
    assert.deepEqual(await read(2, 1), ['c', 9])
    assert.deepEqual(await read(2, 3), ['bcd', 9])
    assert.deepEqual(await read(2, 5), ['abcde', 9])
    assert.deepEqual(await read(2, 200), ['abcde', 9])
  },
  'keeps to the limit, without a gap, wherever the target lies': async (store) => {
    const { messages } = await openRoomOfFiveMessages(store)
    for (const [index, target] of messages.entries()) {
      for (const limit of [1, 2, 3, 4, 5]) {
        const found = await store.messages.around(target.id, limit)
        const shown = texts(found?.messages ?? []).join('')
        assert.ok('abcde'.includes(shown) && shown.includes(target.text), `${limit} around ${target.text}`)
        const sides = Math.floor((limit - 1) / 2)
        const least = Math.min(sides, index) + 1 + Math.min(sides, messages.length - 1 - index)
        assert.ok(shown.length >= least && shown.length <= limit, `${limit} around ${target.text}: ${shown}`)
      }
    }
  },
  'finds what lies around a tombstone, and nothing around a message that nobody sent': async (store) => {
    const { owner, messages } = await openRoomOfFiveMessages(store)
    const target = messages[2] ?? assert.fail()
    await remove(store, owner.actor, target)
    const found = await store.messages.around(target.id, 3)
    assert.deepEqual(texts(found?.messages ?? []), ['b', '', 'd'])
    assert.equal(await store.messages.around(store.ids.next(), 3), null)
  },
} satisfies StoreContract

const versions = {
  'keeps every version with its time, the present text last': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'one')
    const atMs = sent.createdAtMs
    assert.deepEqual((await store.messages.versions(sent.id)).versions, [{ text: 'one', atMs }])
    await edit(store, owner.actor, sent, 'two', atMs + 1_000)
    await edit(store, owner.actor, sent, 'three', atMs + 2_000)
    assert.deepEqual((await store.messages.versions(sent.id)).versions, [
      { text: 'one', atMs },
      { text: 'two', atMs: atMs + 1_000 },
      { text: 'three', atMs: atMs + 2_000 },
    ])
  },
  'keeps versions in order of editing, whatever the clocks say': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'one')
    await edit(store, owner.actor, sent, 'two', sent.createdAtMs - 60_000)
    const kept = (await store.messages.versions(sent.id)).versions.map((version) => version.text)
    assert.deepEqual(kept, ['one', 'two'])
  },
  'tells the seq at which the versions were read': async (store) => {
    const { owner, roomId } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'one')
    assert.equal((await store.messages.versions(sent.id)).headSeq, sent.seq)
    await edit(store, owner.actor, sent, 'two')
    assert.equal((await store.messages.versions(sent.id)).headSeq, sent.seq + 1)
  },
  'erases all versions of a deleted message': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'one')
    await edit(store, owner.actor, sent, 'two')
    await remove(store, owner.actor, sent)
    assert.deepEqual((await store.messages.versions(sent.id)).versions, [])
    assert.deepEqual((await store.messages.versions(store.ids.next())).versions, [])
  },
} satisfies StoreContract

const WORDS = ['The school trip', 'Trip money', 'trip to the SEA', 'nothing here', 'stripes and scraps']

/** Lower-case words of Latin letters only: how a store divides other texts into words is its own affair. */
const search = {
  'finds messages in which all words occur, in any case and order, newest first': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, WORDS)
    const find = async (query: string) =>
      texts((await store.messages.search(roomId, query, null, 10)).messages)
    assert.deepEqual(await find('trip'), ['trip to the SEA', 'Trip money', 'The school trip'])
    assert.deepEqual(await find('TRIP the'), ['trip to the SEA', 'The school trip'])
    assert.deepEqual(await find('  sea   trip '), ['trip to the SEA'])
    assert.deepEqual(await find('trip absent'), [])
  },
  'pages through what it finds, and answers the head': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, WORDS)
    const first = await store.messages.search(roomId, 'trip', null, 2)
    assert.deepEqual([texts(first.messages), first.hasMore], [['trip to the SEA', 'Trip money'], true])
    assert.equal(first.headSeq, 8)
    const last = first.messages.at(-1)?.seq ?? assert.fail()
    const second = await store.messages.search(roomId, 'trip', last, 2)
    assert.deepEqual([texts(second.messages), second.hasMore], [['The school trip'], false])
  },
  'finds the present text, and nothing that was deleted or edited away': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const [edited, deleted] = await sendAll(store, roomId, owner, ['apple', 'apple'])
    await edit(store, owner.actor, edited ?? assert.fail(), 'cherry')
    await remove(store, owner.actor, deleted ?? assert.fail())
    assert.deepEqual((await store.messages.search(roomId, 'apple', null, 10)).messages, [])
    assert.deepEqual(texts((await store.messages.search(roomId, 'cherry', null, 10)).messages), ['cherry'])
  },
  'finds messages of this room only': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const other = await openRoom(store, owner)
    await send(store, other.id, owner, 'apple')
    assert.deepEqual((await store.messages.search(roomId, 'apple', null, 10)).messages, [])
    const nowhere = await store.messages.search(store.ids.next(), 'apple', null, 10)
    assert.deepEqual(nowhere, { messages: [], hasMore: false, headSeq: 0 })
  },
  'takes wildcards and operators as text (input D10)': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, ['apple', 'axple', "it's 50 percent"])
    const find = async (query: string) =>
      texts((await store.messages.search(roomId, query, null, 10)).messages)
    for (const query of [
      '%',
      '_',
      'a_ple',
      'a%e',
      '%%%',
      'ap:* zzz',
      '\\',
      '!!!',
      "' or 1=1 --",
      '()&|:*<->',
    ])
      assert.deepEqual(await find(query), [], query)
    assert.deepEqual(await find("apple'); drop table messages; --"), [])
    assert.deepEqual(await find('apple'), ['apple'])
  },
} satisfies StoreContract

/** What the messages of a store promise. */
export const messageRepoContract = { ...pages, ...around, ...versions, ...search } satisfies StoreContract
