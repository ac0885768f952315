import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { goOffline, goOnline, OutboxTabs, ROOM, settle, states } from '../../tests/support/outbox-tabs.js'
import type { ParleyError } from './errors.js'

let tabs: OutboxTabs

beforeEach(() => {
  vi.useFakeTimers()
  tabs = new OutboxTabs()
})
afterEach(() => {
  tabs.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('the outbox over reloads and tabs', () => {
  it('finishes in the next tab what was cut off, whether or not the server had it', async () => {
    const first = tabs.open()
    first.link.onCall = () => undefined
    const cut = await first.outbox.send(ROOM, 'cut off')
    await first.outbox.send(ROOM, 'behind it')
    await settle()
    tabs.server.store({ ...first.link.last, answer: () => undefined })
    goOffline(first)
    first.outbox.close()
    expect(await cut.outcome).toEqual({ status: 'kept' })
    tabs.open()
    await settle()
    expect(tabs.server.texts).toEqual(['cut off', 'behind it'])
    expect(await tabs.storage.keys('parley:outbox:')).toEqual([])
  })

  it('sends in the order of writing, whichever of two tabs wrote, and each message once', async () => {
    const [one, two] = [tabs.open('user-1', false), tabs.open('user-1', false)]
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`)
    for (const [index, text] of texts.entries()) {
      await (index % 2 === 0 ? one : two).outbox.send(ROOM, text)
      await settle()
    }
    goOnline(one)
    goOnline(two)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(tabs.server.texts).toEqual(texts)
    expect(states(one)).toEqual([])
    expect(states(two)).toEqual([])
  })

  it('leaves another tab the time to send its own messages, and then does it', async () => {
    const [alive, stuck] = [tabs.open(), tabs.open('user-1', false)]
    await stuck.outbox.send(ROOM, 'from a frozen tab')
    await vi.advanceTimersByTimeAsync(2_900)
    expect(tabs.server.texts).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(tabs.server.texts).toEqual(['from a frozen tab'])
    expect(alive.acked).toEqual(['from a frozen tab'])
  })

  it('tells the tab that wrote a message when another one has finished with it', async () => {
    const [one, two] = [tabs.open('user-1', false), tabs.open()]
    const { outcome } = await one.outbox.send(ROOM, 'Hello')
    await vi.advanceTimersByTimeAsync(4_000)
    expect(two.acked).toEqual(['Hello'])
    expect(await outcome).toEqual({ status: 'elsewhere' })
    goOnline(one)
    await settle()
    expect(one.link.calls).toEqual([])
  })

  it('keeps the messages of one user from another who signs in on the same storage', async () => {
    const anns = tabs.open('user-ann', false)
    await anns.outbox.send(ROOM, 'from Ann')
    anns.outbox.close()
    const bens = tabs.open('user-ben')
    await settle()
    expect(states(bens)).toEqual([])
    expect(bens.link.calls).toEqual([])
    bens.outbox.close()
    tabs.open('user-ann')
    await settle()
    expect(tabs.server.texts).toEqual(['from Ann'])
  })

  it('does not hand a message to the next user when the login changes while it is being stored', async () => {
    const tab = tabs.open('user-ann')
    let stored: () => void = () => undefined
    const { set } = tabs.storage
    tabs.storage.set = async (key, value) => {
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
    expect((await tabs.storage.keys('parley:outbox:')).map((key) => key.split(':')[2])).toEqual(['user-ann'])
  })
})
