import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { goOffline, goOnline, OutboxTabs, ROOM, settle, states } from '../../tests/support/outbox-tabs.js'
import { ParleyError, type ParleyErrorCode } from './errors.js'

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

describe('the outbox', () => {
  it('stores a message before it sends it, and forgets it after the ack', async () => {
    const tab = tabs.open()
    const keysAtSend: (readonly string[])[] = []
    tab.link.onCall = (call) => {
      void tabs.storage.keys('parley:outbox:').then((keys) => {
        keysAtSend.push(keys)
        tabs.server.store(call)
      })
    }
    const { outcome } = await tab.outbox.send(ROOM, 'Hello')
    expect(await outcome).toMatchObject({ status: 'delivered', message: { text: 'Hello' } })
    expect(keysAtSend).toHaveLength(1)
    expect(keysAtSend[0]).toHaveLength(1)
    expect(await tabs.storage.keys('parley:outbox:')).toEqual([])
    expect(tab.acked).toEqual(['Hello'])
    expect(states(tab)).toEqual([])
  })

  it('sends what was written offline in order, even where the clock was set back meanwhile', async () => {
    const tab = tabs.open('user-1', false)
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`)
    const outgoing = []
    for (const [index, text] of texts.entries()) {
      if (index === 10) tabs.clockMs -= 3_600_000
      outgoing.push(await tab.outbox.send(ROOM, text))
    }
    expect(states(tab)).toEqual(texts.map((text) => `queued ${text}`))
    goOnline(tab)
    await Promise.all(outgoing.map(({ outcome }) => outcome))
    expect(tabs.server.texts).toEqual(texts)
  })

  it('keeps the order of sends that were called without waiting, over a storage that is slow by turns', async () => {
    let turn = 0
    const { set } = tabs.storage
    tabs.storage.set = async (key, value) => {
      turn += 1
      await new Promise((resolve) => setTimeout(resolve, turn % 2 === 0 ? 5 : 50))
      await set(key, value)
    }
    const tab = tabs.open()
    const sends = ['one', 'two', 'three'].map((text) => tab.outbox.send(ROOM, text))
    await vi.advanceTimersByTimeAsync(1_000)
    await Promise.all(sends)
    expect(tabs.server.texts).toEqual(['one', 'two', 'three'])
  })

  it('sends again with the same id until the answer comes', async () => {
    const tab = tabs.open()
    const answers = [
      new ParleyError('TIMEOUT', 'late', { uncertain: true }),
      new ParleyError('UNAVAILABLE', 'not now', { retryAfterMs: 50, uncertain: true }),
      new ParleyError('INTERNAL', 'a bug', { uncertain: true }),
    ]
    tab.link.onCall = (call) => {
      const error = answers.shift()
      if (error === undefined) tabs.server.store(call)
      else call.refuse(error)
    }
    const { outcome } = await tab.outbox.send(ROOM, 'Hello')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await outcome).toMatchObject({ status: 'delivered' })
    expect(tab.link.calls).toHaveLength(4)
    expect(new Set(tab.link.calls.map(({ payload }) => payload.clientMessageId)).size).toBe(1)
  })

  it('waits as long as the server asks', async () => {
    const tab = tabs.open()
    tab.link.onCall = ({ refuse }) =>
      refuse(new ParleyError('RATE_LIMITED', 'slower', { retryAfterMs: 8_000 }))
    await tab.outbox.send(ROOM, 'Hello')
    await tab.outbox.send(ROOM, 'and more')
    await vi.advanceTimersByTimeAsync(7_900)
    expect(tab.link.calls).toHaveLength(1)
    tab.link.onCall = (call) => tabs.server.store(call)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(tabs.server.texts).toEqual(['Hello', 'and more'])
  })

  it.each(['VALIDATION_FAILED', 'NOT_FOUND', 'FORBIDDEN', 'CONFLICT', 'TOO_LARGE'] as ParleyErrorCode[])(
    'keeps a message that is refused with %s, says so, and goes on with the next',
    async (code) => {
      const tab = tabs.open()
      tab.link.onCall = (call) =>
        call.payload.text === 'bad' ? call.refuse(new ParleyError(code, 'no')) : tabs.server.store(call)
      const bad = await tab.outbox.send(ROOM, 'bad')
      const good = await tab.outbox.send(ROOM, 'good')
      expect(await bad.outcome).toMatchObject({ status: 'failed', error: { code }, uncertain: false })
      expect(await good.outcome).toMatchObject({ status: 'delivered' })
      expect(tab.outbox.getSnapshot()).toMatchObject([{ text: 'bad', state: 'failed', error: { code } }])
      // Also for whoever opens it next.
      tab.outbox.close()
      const next = tabs.open()
      await settle()
      expect(states(next)).toEqual(['failed bad'])
      expect(next.link.calls).toEqual([])
    },
  )

  it('says of a refused message that it may be stored, where an earlier attempt had no answer', async () => {
    const tab = tabs.open()
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
    const tab = tabs.open()
    tab.link.onCall = ({ refuse, payload }) =>
      refuse(new ParleyError(payload.text === 'taken' ? 'CONFLICT' : 'FORBIDDEN', 'no'))
    const taken = await tab.outbox.send(ROOM, 'taken')
    const forbidden = await tab.outbox.send(ROOM, 'forbidden')
    await Promise.all([taken.outcome, forbidden.outcome])
    tab.link.onCall = (call) => tabs.server.store(call)
    await tab.outbox.retry(taken.clientMessageId)
    await tab.outbox.retry(forbidden.clientMessageId)
    await settle()
    expect(tabs.server.texts).toEqual(['taken', 'forbidden'])
    expect(tabs.server.stored[0]).not.toBe(taken.clientMessageId)
    expect(tabs.server.stored[1]).toBe(forbidden.clientMessageId)
    expect(await tabs.storage.keys('parley:outbox:')).toEqual([])
  })

  it.each(['CONFLICT', 'FORBIDDEN'] as const)(
    'sends a message once that failed with %s and is tried again twice at once',
    async (code) => {
      const [tab, other] = [tabs.open(), tabs.open('user-1', false)]
      tab.link.onCall = ({ refuse }) => refuse(new ParleyError(code, 'no'))
      const { outcome, clientMessageId } = await tab.outbox.send(ROOM, 'Hello')
      await outcome
      await settle()
      expect(states(other)).toEqual(['failed Hello'])
      tab.link.onCall = (call) => tabs.server.store(call)
      const retries = [tab, tab].map(({ outbox }) => outbox.retry(clientMessageId))
      const settled = await Promise.allSettled(retries)
      await expect(other.outbox.retry(clientMessageId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await vi.advanceTimersByTimeAsync(10_000)
      expect(tabs.server.texts).toEqual(['Hello'])
      expect(settled).toMatchObject([
        { status: 'fulfilled' },
        { status: 'rejected', reason: { code: 'NOT_FOUND' } },
      ])
      expect(states(tab)).toEqual([])
    },
  )

  it('takes a message of a given id once, and tells its outcome', async () => {
    const tab = tabs.open()
    const options = { clientMessageId: 'of-the-app' }
    const sends = ['one', 'two'].map((text) => tab.outbox.send(ROOM, text, options))
    const [first, second] = await Promise.allSettled(sends)
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } })
    if (first?.status !== 'fulfilled') throw new Error('it was refused')
    await settle()
    expect(await Promise.race([first.value.outcome, 'nothing'])).toMatchObject({ status: 'delivered' })
    expect(tabs.server.texts).toEqual(['one'])
  })

  it('drops what is discarded', async () => {
    const tab = tabs.open('user-1', false)
    const one = await tab.outbox.send(ROOM, 'one')
    await tab.outbox.send(ROOM, 'two')
    await tab.outbox.discard(one.clientMessageId)
    expect(await one.outcome).toEqual({ status: 'discarded' })
    goOnline(tab)
    await settle()
    expect(tabs.server.texts).toEqual(['two'])
    await expect(tab.outbox.discard(one.clientMessageId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('rejects what cannot be stored, and sends nothing of it', async () => {
    const tab = tabs.open()
    tabs.storage.set = () => Promise.reject(new Error('full'))
    await expect(tab.outbox.send(ROOM, 'Hello')).rejects.toThrow('full')
    await settle()
    expect(tab.link.calls).toEqual([])
    expect(states(tab)).toEqual([])
  })

  it('has the token looked at when the server does not take it, and keeps the message', async () => {
    const tab = tabs.open()
    tab.link.onCall = ({ refuse }) => refuse(new ParleyError('UNAUTHENTICATED', 'no'))
    await tab.outbox.send(ROOM, 'Hello')
    await settle()
    expect(tab.link.tokensDoubted).toBe(1)
    expect(tab.outbox.getSnapshot()).toHaveLength(1)
    goOffline(tab)
  })
})
