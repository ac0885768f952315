import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OutboxTabs, ROOM, settle, states } from '../../tests/support/outbox-tabs.js'
import { ParleyError } from './errors.js'

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

/** Whether a write is of a message's failure. */
const isFailure = (value: string): boolean => JSON.parse(value).failure !== null

describe('the outbox on a storage that fails', () => {
  it.each(['in this tab', 'from the tab before'])(
    'gives up a refused message, though it cannot note that, %s',
    async (written) => {
      const { set } = tabs.storage
      tabs.storage.set = (key, value) =>
        isFailure(value) ? Promise.reject(new Error('full')) : set(key, value)
      if (written === 'from the tab before') {
        const before = tabs.open('user-1', false)
        await before.outbox.send(ROOM, 'bad')
        before.outbox.close()
      }
      const tab = tabs.open()
      // A link that refuses in the same turn, as it does what is too large, must not be asked again and again.
      tab.link.onCall = (call) => {
        if (tab.link.calls.length > 20) throw new Error('sent without end')
        if (call.payload.text === 'bad') call.refuse(new ParleyError('TOO_LARGE', 'no'))
        else tabs.server.store(call)
      }
      if (written === 'in this tab') {
        const { outcome } = await tab.outbox.send(ROOM, 'bad')
        expect(await outcome).toMatchObject({ status: 'failed', error: { code: 'TOO_LARGE' } })
      }
      const good = await tab.outbox.send(ROOM, 'good')
      await vi.advanceTimersByTimeAsync(60_000)
      expect(await good.outcome).toMatchObject({ status: 'delivered' })
      expect(tab.link.calls.map(({ payload }) => payload.text)).toEqual(['bad', 'good'])
      expect(states(tab)).toEqual(['failed bad'])
      const [failed] = tab.outbox.getSnapshot()
      tab.link.onCall = (call) => tabs.server.store(call)
      await tab.outbox.retry(failed?.clientMessageId ?? '')
      await settle()
      expect(tabs.server.texts).toEqual(['good', 'bad'])
      expect(await tabs.storage.keys('parley:outbox:')).toEqual([])
    },
  )

  it('sends a message once that it cannot remove, goes on with the next, and removes it when it can', async () => {
    const tab = tabs.open()
    const { delete: remove } = tabs.storage
    tabs.storage.delete = () => Promise.reject(new Error('broken'))
    const one = await tab.outbox.send(ROOM, 'one')
    expect(await one.outcome).toMatchObject({ status: 'delivered' })
    await vi.advanceTimersByTimeAsync(60_000)
    const two = await tab.outbox.send(ROOM, 'two')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await two.outcome).toMatchObject({ status: 'delivered' })
    expect(tab.link.calls.map(({ payload }) => payload.text)).toEqual(['one', 'two'])
    expect(states(tab)).toEqual([])
    tabs.storage.delete = remove
    await tab.outbox.send(ROOM, 'three')
    await settle()
    expect(tabs.server.texts).toEqual(['one', 'two', 'three'])
    expect(await tabs.storage.keys('parley:outbox:')).toEqual([])
  })
})
