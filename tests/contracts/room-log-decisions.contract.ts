import assert from 'node:assert/strict'
import { withReaction } from '../../core/domain/message.js'
import { conflict, notFound } from '../../core/domain/refusal.js'
import { ok } from '../../core/domain/result.js'
import {
  change,
  changeMessage,
  codeOf,
  draftOf,
  edit,
  gaplessLog,
  openRoomOfThree,
  type Store,
  type StoreContract,
  send,
  setRole,
  signUp,
} from './store.js'

const AT_ONCE = 30
const many = <T>(make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, index) => make(index)))

/** Steps down unless that would leave the room without an owner. */
const tryStepDown = (store: Store, roomId: string, { user, actor }: Awaited<ReturnType<typeof signUp>>) =>
  change(store, roomId, actor, {
    needs: { census: true },
    make: ({ census }) => {
      if (census === null || census.owners < 2) return conflict('The last owner cannot step down.')
      const { id: userId, displayName } = user
      return ok([{ type: 'member.changed', userId, role: 'member', displayName }])
    },
  })

/** What many decisions about one thing may rely on: each sees what those before it did. */
export const roomLogDecisionsContract = {
  'keeps one version of each of many concurrent edits, in order of the log': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'first')
    await many((i) => edit(store, owner.actor, sent, `edit ${i}`))
    const texts = (await store.messages.versions(sent.id)).versions.map((version) => version.text)
    assert.equal(texts.length, 1 + AT_ONCE)
    assert.equal(texts[0], 'first')
    assert.equal(new Set(texts).size, texts.length)
    assert.equal((await store.messages.find(sent.id))?.text, texts.at(-1))
    assert.equal((await gaplessLog(store, roomId)).length, 4 + AT_ONCE)
  },
  'leaves no text of a message that is deleted while it is edited': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'a secret')
    const results = await many((i) =>
      change(store, roomId, owner.actor, {
        needs: { messageId: sent.id },
        touches: `message:${sent.id}`,
        make: ({ message }) => {
          if (message === null) return notFound()
          if (message.deletedAtMs !== null) return conflict('The message was deleted.')
          if (i === AT_ONCE / 2) return ok([{ type: 'message.deleted', message }])
          return ok([
            { type: 'message.edited', message, text: `a secret, edit ${i}`, deliveredUnder: 'edited' },
          ])
        },
      }),
    )
    const log = await gaplessLog(store, roomId)
    assert.equal(log.at(-1)?.type, 'message.deleted')
    assert.equal(log.length, 4 + results.filter((result) => result.ok).length)
    assert.equal(JSON.stringify(log).includes('secret'), false)
    assert.deepEqual((await store.messages.versions(sent.id)).versions, [])
    assert.deepEqual((await store.messages.search(roomId, 'secret', null, 10)).messages, [])
  },
  'keeps every one of many concurrent reactions': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'hello')
    const people = await many((i) => signUp(store, `Guest ${i}`))
    await Promise.all(
      people.map(({ actor }) =>
        changeMessage(store, actor, sent, (present) => {
          const message = withReaction(present, actor.userId, '👍', true)
          return { type: 'message.reacted', message, userId: actor.userId, emoji: '👍', on: true }
        }),
      ),
    )
    const reactions = (await store.messages.find(sent.id))?.reactions ?? {}
    assert.deepEqual(new Set(reactions['👍']), new Set(people.map(({ user }) => user.id)))
    const log = await gaplessLog(store, roomId)
    const order = log.slice(4).map((event) => event.actorId)
    assert.deepEqual(reactions['👍'], order)
  },
  'takes no message in the name of another than who sends it': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const draft = draftOf(store, roomId, member.user.id, 'not said')
    const forged = { type: 'message.sent', draft } as const
    await assert.rejects(change(store, roomId, owner.actor, { make: () => ok([forged]) }))
    // Nor what the same decision says besides.
    const said = { type: 'message.sent', draft: draftOf(store, roomId, owner.user.id, 'said') } as const
    await assert.rejects(change(store, roomId, owner.actor, { make: () => ok([said, forged]) }))
    assert.equal((await gaplessLog(store, roomId)).length, 3)
  },
  'leaves an owner where all owners step down at once': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    for (const person of [member, observer]) await setRole(store, roomId, owner.actor, person, 'owner')
    const results = await Promise.all(
      [owner, member, observer].map((person) => tryStepDown(store, roomId, person)),
    )
    assert.deepEqual(results.map(codeOf).toSorted(), ['CONFLICT', null, null].toSorted())
    const { members } = await store.rooms.members(roomId)
    assert.equal(members.filter(({ role }) => role === 'owner').length, 1)
  },
} satisfies StoreContract
