import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { unwrap } from '../../../apps/testing/index.js'
import { eventually } from '../../contracts/eventually.js'
import type { Deployment, Member } from './deployment.js'
import { type Home, newcomer, openHome, say } from './people.js'

/** The contract: a second, and five while Redis is away; and a moment more for a busy machine. */
const FOUND_WITHIN_MS = 1_500
const KNOWN_WITHIN_MS = 5_500
const WATCHED_MS = 500

/** Reads of pages wait in the store's answer until `release`. */
function heldPages({ ports }: Member) {
  const { messages } = ports
  let isRead = false
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const read = messages.page.bind(messages)
  const page: typeof messages.page = async (...asked) => {
    const answer = await read(...asked)
    isRead = true
    await released
    return answer
  }
  Object.assign(messages, { page })
  return {
    isRead: () => isRead,
    release() {
      Object.assign(messages, { page: read })
      release()
    },
  }
}

/** It goes on, and tells nobody of what it does: as if it had been killed after each commit. */
function silence({ ports: { bus, cache } }: Member): void {
  Object.assign(bus, { publish: async () => undefined })
  Object.assign(cache, { drop: async () => undefined })
}

const newestText = async ({ read }: Home, by: Member, minSeq?: number) =>
  (await read(by, minSeq)).messages.at(-1)?.text

/** All show it in time; and whoever has shown it shows nothing older after that. */
async function showsAll(home: Home, members: readonly Member[], text: string): Promise<void> {
  await Promise.all(
    members.map((by) =>
      eventually('it to be shown', async () => (await newestText(home, by)) === text, FOUND_WITHIN_MS),
    ),
  )
  const deadlineMs = performance.now() + WATCHED_MS
  while (performance.now() < deadlineMs) {
    for (const by of members) expect(await newestText(home, by)).toBe(text)
    await sleep(50)
  }
}

const isRefused = async ({ parley }: Member, accessToken: string, socketId: string) => {
  const [holder, socket] = await Promise.all([
    parley.authenticate.execute(accessToken),
    parley.findUserBySocket.execute({ socketId }),
  ])
  return !holder.ok && !socket.ok
}

/** What goes wrong between caches and their truth, whatever befalls the deployment in the midst of it. */
export const lostAndLate = {
  'pitfall 1: serves no page that was read before a change and stored after it': async (deployment) => {
    const home = await openHome(deployment)
    const { one, other, boot, befall, mend } = deployment
    const pages = heldPages(other)
    const early = home.read(other)
    await eventually('a page to be read', pages.isRead)
    const { seq } = await say(one, home.roomId, home.owner, 'the second')
    await befall()
    pages.release()
    await early
    for (const by of [one, other]) expect(await newestText(home, by, seq)).toBe('the second')
    await showsAll(home, [one, other], 'the second')
    await mend()
    await showsAll(home, [one, other, await boot()], 'the second')
  },
  'pitfall 2: shows a change a second later, though it was warm everywhere': async (deployment) => {
    const home = await openHome(deployment)
    const { one, other, boot, befall, mend } = deployment
    for (const by of [one, other]) expect(await newestText(home, by)).toBe('the first')
    await befall()
    const edit = { messageId: home.first.id, text: 'the first, in other words' }
    unwrap(await one.parley.editMessage.execute(home.owner.actor, edit))
    await showsAll(home, [one, other], edit.text)
    await mend()
    await showsAll(home, [one, other, await boot()], edit.text)
  },
  'pitfall 2: shows a change a second later that a process committed and told nobody of': async (
    deployment,
  ) => {
    const home = await openHome(deployment)
    const { one, other, boot, befall, mend } = deployment
    for (const by of [one, other]) expect(await newestText(home, by)).toBe('the first')
    silence(one)
    await befall()
    unwrap(await one.parley.deleteMessage.execute(home.owner.actor, { messageId: home.first.id }))
    await showsAll(home, [other], '')
    await mend()
    await showsAll(home, [other, await boot()], '')
  },
  'pitfall 2: lets no removed member read, then or later (input C5)': async (deployment) => {
    const { roomId, owner, guest } = await openHome(deployment)
    const { one, other, boot, befall, mend } = deployment
    const readsOf = async ({ parley }: Member) =>
      (await parley.listMessages.execute(guest.actor, { roomId })).ok
    for (const by of [one, other]) expect(await readsOf(by)).toBe(true)
    await befall()
    unwrap(await one.parley.removeMember.execute(owner.actor, { roomId, userId: guest.actor.userId }))
    expect(await readsOf(one)).toBe(false)
    const send = { roomId, clientMessageId: randomUUID(), text: 'I am still here' }
    for (const { parley } of [one, other])
      expect(await parley.sendMessage.execute(guest.actor, send)).toMatchObject({
        refusal: { code: 'NOT_FOUND' },
      })
    await eventually('the other to know', async () => !(await readsOf(other)), FOUND_WITHIN_MS)
    await mend()
    for (const by of [one, other, await boot()]) {
      await by.parley.roomFeed.track(roomId)
      expect(await readsOf(by)).toBe(false)
    }
  },
  'pitfalls 2 and 7: lets no login in that has ended, then or later (input B6 and B7)': async (
    deployment,
  ) => {
    const { one, other, boot, befall, mend } = deployment
    const { actor, accessToken } = await newcomer(one, 'Nora')
    const socketId = randomUUID()
    unwrap(await other.parley.registerUser.execute(actor, { socketId }))
    for (const by of [one, other]) expect(await isRefused(by, accessToken, socketId)).toBe(false)
    await befall()
    unwrap(await one.parley.signOut.execute({ actor }))
    expect(await isRefused(one, accessToken, socketId)).toBe(true)
    await eventually('the other to know', () => isRefused(other, accessToken, socketId), KNOWN_WITHIN_MS)
    await mend()
    for (const by of [one, other, await boot()]) {
      expect(await isRefused(by, accessToken, socketId)).toBe(true)
      expect(await by.ports.sessions.find(socketId)).toBeNull()
    }
  },
} satisfies Record<string, (deployment: Deployment) => Promise<void>>
