import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Call, ScriptedLink } from '../../tests/support/scripted-link.js'
import { environmentOf } from './environment.js'
import { ParleyError, type ParleyErrorCode } from './errors.js'
import { StoredOutbox } from './outbox.js'
import { type ClientStorage, memoryStorage } from './storage.js'
import type { Message } from './wire.js'

const ROOM = 'room-1'

/** A server that stores each id once, in the order in which the ids first come. */
class Server {
  readonly stored: string[] = []
  readonly texts: string[] = []
  readonly delivered: Message[] = []

  store({ payload, answer }: Call): void {
    const { clientMessageId, text } = payload as { clientMessageId: string; text: string }
    if (!this.stored.includes(clientMessageId)) {
      this.stored.push(clientMessageId)
      this.texts.push(text)
    }
    const seq = this.stored.indexOf(clientMessageId) + 1
    answer({ status: 'delivered', message: { clientMessageId, text, seq, roomId: ROOM }, verdict: null })
  }
}

let server: Server
let storage: ClientStorage
let clockMs: number
const tabs: Tab[] = []

type Tab = { readonly link: ScriptedLink; readonly outbox: StoredOutbox; acked: string[] }

/** A tab of a user; with `userId: null` nobody is signed in. */
function openTab(userId = 'user-1', online = true): Tab {
  const link = new ScriptedLink()
  link.online = online
  link.onCall = (call) => server.store(call)
  const acked: string[] = []
  const outbox = new StoredOutbox({
    link: link.asLink,
    storage,
    environment: environmentOf({ random: () => 0.5, nowMs: () => clockMs }),
    onDelivered: ({ text }) => acked.push(text),
  })
  outbox.open(userId)
  const tab = { link, outbox, acked }
  tabs.push(tab)
  return tab
}

function goOnline({ link, outbox }: Tab): void {
  link.online = true
  outbox.wake()
}

function goOffline({ link, outbox }: Tab): void {
  link.online = false
  outbox.sleep()
  for (const call of link.calls) call.refuse(new ParleyError('DISCONNECTED', 'gone', { uncertain: true }))
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
const states = ({ outbox }: Tab): string[] =>
  outbox.getSnapshot().map(({ state, text }) => `${state} ${text}`)

beforeEach(() => {
  vi.useFakeTimers()
  server = new Server()
  storage = memoryStorage()
  clockMs = Date.parse('2026-01-01T00:00:00Z')
})
afterEach(() => {
  for (const { outbox } of tabs.splice(0)) outbox.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('the outbox', () => {
  it('stores a message before it sends it, and forgets it after the ack', async () => {
    const tab = openTab()
    const keysAtSend: (readonly string[])[] = []
    tab.link.onCall = (call) => {
      void storage.keys('parley:outbox:').then((keys) => {
        keysAtSend.push(keys)
        server.store(call)
      })
    }
    const { outcome } = await tab.outbox.send(ROOM, 'Hello')
    expect(await outcome).toMatchObject({ status: 'delivered', message: { text: 'Hello' } })
    expect(keysAtSend).toHaveLength(1)
    expect(keysAtSend[0]).toHaveLength(1)
    expect(await storage.keys('parley:outbox:')).toEqual([])
    expect(tab.acked).toEqual(['Hello'])
    expect(states(tab)).toEqual([])
  })

  it('sends what was written offline in order, even where the clock was set back meanwhile', async () => {
    const tab = openTab('user-1', false)
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`)
    const outgoing = []
    for (const [index, text] of texts.entries()) {
      if (index === 10) clockMs -= 3_600_000
      outgoing.push(await tab.outbox.send(ROOM, text))
    }
    expect(states(tab)).toEqual(texts.map((text) => `queued ${text}`))
    goOnline(tab)
    await Promise.all(outgoing.map(({ outcome }) => outcome))
    expect(server.texts).toEqual(texts)
  })

  it('keeps the order of sends that were called without waiting, over a storage that is slow by turns', async () => {
    let turn = 0
    const { set } = storage
    storage.set = async (key, value) => {
      turn += 1
      await new Promise((resolve) => setTimeout(resolve, turn % 2 === 0 ? 5 : 50))
      await set(key, value)
    }
    const tab = openTab()
    const sends = ['one', 'two', 'three'].map((text) => tab.outbox.send(ROOM, text))
    await vi.advanceTimersByTimeAsync(1_000)
    await Promise.all(sends)
    expect(server.texts).toEqual(['one', 'two', 'three'])
  })

  it('sends again with the same id until the answer comes', async () => {
    const tab = openTab()
    const answers = [
      new ParleyError('TIMEOUT', 'late', { uncertain: true }),
      new ParleyError('UNAVAILABLE', 'not now', { retryAfterMs: 50, uncertain: true }),
      new ParleyError('INTERNAL', 'a bug', { uncertain: true }),
    ]
    tab.link.onCall = (call) => {
      const error = answers.shift()
      if (error === undefined) server.store(call)
      else call.refuse(error)
    }
    const { outcome } = await tab.outbox.send(ROOM, 'Hello')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await outcome).toMatchObject({ status: 'delivered' })
    expect(tab.link.calls).toHaveLength(4)
    expect(new Set(tab.link.calls.map(({ payload }) => payload.clientMessageId)).size).toBe(1)
  })

  it('waits as long as the server asks', async () => {
    const tab = openTab()
    tab.link.onCall = ({ refuse }) =>
      refuse(new ParleyError('RATE_LIMITED', 'slower', { retryAfterMs: 8_000 }))
    await tab.outbox.send(ROOM, 'Hello')
    await tab.outbox.send(ROOM, 'and more')
    await vi.advanceTimersByTimeAsync(7_900)
    expect(tab.link.calls).toHaveLength(1)
    tab.link.onCall = (call) => server.store(call)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(server.texts).toEqual(['Hello', 'and more'])
  })

  it.each(['VALIDATION_FAILED', 'NOT_FOUND', 'FORBIDDEN', 'CONFLICT', 'TOO_LARGE'] as ParleyErrorCode[])(
    'keeps a message that is refused with %s, says so, and goes on with the next',
    async (code) => {
      const tab = openTab()
      tab.link.onCall = (call) =>
        call.payload.text === 'bad' ? call.refuse(new ParleyError(code, 'no')) : server.store(call)
      const bad = await tab.outbox.send(ROOM, 'bad')
      const good = await tab.outbox.send(ROOM, 'good')
      expect(await bad.outcome).toMatchObject({ status: 'failed', error: { code }, uncertain: false })
      expect(await good.outcome).toMatchObject({ status: 'delivered' })
      expect(tab.outbox.getSnapshot()).toMatchObject([{ text: 'bad', state: 'failed', error: { code } }])
      // Also for whoever opens it next.
      tab.outbox.close()
      const next = openTab()
      await settle()
      expect(states(next)).toEqual(['failed bad'])
      expect(next.link.calls).toEqual([])
    },
  )

  it('says of a refused message that it may be stored, where an earlier attempt had no answer', async () => {
    const tab = openTab()
    const answers = [
      new ParleyError('TIMEOUT', 'late', { uncertain: true }),
      new ParleyError('NOT_FOUND', 'no'),
    ]
    tab.link.onCall = ({ refuse }) => refuse(answers.shift() ?? new ParleyError('INTERNAL', 'a bug'))
    const { outcome } = await tab.outbox.send(ROOM, 'Hello')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await outcome).toMatchObject({ status: 'failed', error: { code: 'NOT_FOUND' }, uncertain: true })
  })

  it('tries a failed message again when asked to, with a new id where the old one is taken', async () => {
    const tab = openTab()
    tab.link.onCall = ({ refuse, payload }) =>
      refuse(new ParleyError(payload.text === 'taken' ? 'CONFLICT' : 'FORBIDDEN', 'no'))
    const taken = await tab.outbox.send(ROOM, 'taken')
    const forbidden = await tab.outbox.send(ROOM, 'forbidden')
    await Promise.all([taken.outcome, forbidden.outcome])
    tab.link.onCall = (call) => server.store(call)
    await tab.outbox.retry(taken.clientMessageId)
    await tab.outbox.retry(forbidden.clientMessageId)
    await settle()
    expect(server.texts).toEqual(['taken', 'forbidden'])
    expect(server.stored[0]).not.toBe(taken.clientMessageId)
    expect(server.stored[1]).toBe(forbidden.clientMessageId)
    expect(await storage.keys('parley:outbox:')).toEqual([])
  })

  it('drops what is discarded', async () => {
    const tab = openTab('user-1', false)
    const one = await tab.outbox.send(ROOM, 'one')
    await tab.outbox.send(ROOM, 'two')
    await tab.outbox.discard(one.clientMessageId)
    expect(await one.outcome).toEqual({ status: 'discarded' })
    goOnline(tab)
    await settle()
    expect(server.texts).toEqual(['two'])
    await expect(tab.outbox.discard(one.clientMessageId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('rejects what cannot be stored, and sends nothing of it', async () => {
    const tab = openTab()
    storage.set = () => Promise.reject(new Error('full'))
    await expect(tab.outbox.send(ROOM, 'Hello')).rejects.toThrow('full')
    await settle()
    expect(tab.link.calls).toEqual([])
    expect(states(tab)).toEqual([])
  })

  it('has the token looked at when the server does not take it, and keeps the message', async () => {
    const tab = openTab()
    tab.link.onCall = ({ refuse }) => refuse(new ParleyError('UNAUTHENTICATED', 'no'))
    await tab.outbox.send(ROOM, 'Hello')
    await settle()
    expect(tab.link.tokensDoubted).toBe(1)
    expect(tab.outbox.getSnapshot()).toHaveLength(1)
    goOffline(tab)
  })
})

describe('the outbox over reloads and tabs', () => {
  it('finishes in the next tab what was cut off, whether or not the server had it', async () => {
    const first = openTab()
    first.link.onCall = () => undefined
    const cut = await first.outbox.send(ROOM, 'cut off')
    await first.outbox.send(ROOM, 'behind it')
    await settle()
    server.store({ ...first.link.last, answer: () => undefined })
    goOffline(first)
    first.outbox.close()
    expect(await cut.outcome).toEqual({ status: 'kept' })
    openTab()
    await settle()
    expect(server.texts).toEqual(['cut off', 'behind it'])
    expect(await storage.keys('parley:outbox:')).toEqual([])
  })

  it('sends in the order of writing, whichever of two tabs wrote, and each message once', async () => {
    const [one, two] = [openTab('user-1', false), openTab('user-1', false)]
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`)
    for (const [index, text] of texts.entries()) {
      await (index % 2 === 0 ? one : two).outbox.send(ROOM, text)
      await settle()
    }
    goOnline(one)
    goOnline(two)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.texts).toEqual(texts)
    expect(states(one)).toEqual([])
    expect(states(two)).toEqual([])
  })

  it('leaves another tab the time to send its own messages, and then does it', async () => {
    const [alive, stuck] = [openTab(), openTab('user-1', false)]
    await stuck.outbox.send(ROOM, 'from a frozen tab')
    await vi.advanceTimersByTimeAsync(2_900)
    expect(server.texts).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(server.texts).toEqual(['from a frozen tab'])
    expect(alive.acked).toEqual(['from a frozen tab'])
  })

  it('tells the tab that wrote a message when another one has finished with it', async () => {
    const [one, two] = [openTab('user-1', false), openTab()]
    const { outcome } = await one.outbox.send(ROOM, 'Hello')
    await vi.advanceTimersByTimeAsync(4_000)
    expect(two.acked).toEqual(['Hello'])
    expect(await outcome).toEqual({ status: 'elsewhere' })
    goOnline(one)
    await settle()
    expect(one.link.calls).toEqual([])
  })

  it('keeps the messages of one user from another who signs in on the same storage', async () => {
    const anns = openTab('user-ann', false)
    await anns.outbox.send(ROOM, 'from Ann')
    anns.outbox.close()
    const bens = openTab('user-ben')
    await settle()
    expect(states(bens)).toEqual([])
    expect(bens.link.calls).toEqual([])
    bens.outbox.close()
    openTab('user-ann')
    await settle()
    expect(server.texts).toEqual(['from Ann'])
  })

  it('does not hand a message to the next user when the login changes while it is being stored', async () => {
    const tab = openTab('user-ann')
    let stored: () => void = () => undefined
    const { set } = storage
    storage.set = async (key, value) => {
      await new Promise<void>((resolve) => {
        stored = resolve
      })
      await set(key, value)
    }
    const sending = tab.outbox.send(ROOM, 'from Ann')
    const late = tab.outbox.send(ROOM, 'later, from Ann').catch((error: ParleyError) => error.code)
    await settle()
    tab.outbox.close()
    tab.outbox.open('user-ben')
    stored()
    expect(await (await sending).outcome).toEqual({ status: 'kept' })
    expect(await late).toBe('SIGNED_OUT')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(tab.link.calls).toEqual([])
    expect((await storage.keys('parley:outbox:')).map((key) => key.split(':')[2])).toEqual(['user-ann'])
  })
})
