import { describe, expect, it } from 'vitest'
import { MemoryBusHub } from './memory-bus.js'
import { MemoryClock } from './memory-clock.js'
import { MemoryPresence, MemoryPresenceHub } from './memory-presence.js'

async function busOfTwo(onError?: (error: unknown) => void) {
  const clock = new MemoryClock()
  const hub = new MemoryBusHub(clock, onError === undefined ? {} : { onError })
  const [a, b] = [hub.endpoint(), hub.endpoint()]
  const atB: string[] = []
  await b.subscribe('topic', (message) => atB.push(message))
  const publish = (...messages: string[]) =>
    Promise.all(messages.map((message) => a.publish('topic', message)))
  return { clock, hub, a, b, atB, publish }
}

describe('MemoryBusHub', () => {
  it('hands over later, never while publishing', async () => {
    const { a, b } = await busOfTwo()
    const order: string[] = []
    await b.subscribe('topic', () => order.push('arrived'))
    const published = a.publish('topic', '1').then(() => order.push('published'))
    order.push('called')
    await published
    expect(order[0]).toBe('called')
    expect(order).toContain('arrived')
  })

  it('has peers while another endpoint is there', async () => {
    const hub = new MemoryBusHub(new MemoryClock())
    const first = hub.endpoint()
    expect(first.hasPeers()).toBe(false)
    const second = hub.endpoint()
    expect([first.hasPeers(), second.hasPeers()]).toEqual([true, true])
    await second.close()
    expect(first.hasPeers()).toBe(false)
  })

  it('loses, doubles and delays what it is told to', async () => {
    const { clock, hub, atB, publish } = await busOfTwo()
    const copies: Record<string, readonly number[]> = { lost: [], doubled: [0, 0], late: [100] }
    hub.route = ({ message }) => copies[message] ?? [0]
    await publish('late', 'lost', 'doubled', 'last')
    await clock.advance(0)
    expect(atB).toEqual(['doubled', 'doubled', 'last'])
    await clock.advance(100)
    expect(atB).toEqual(['doubled', 'doubled', 'last', 'late'])
  })

  it('cuts an endpoint off in silence, and tells it of the gap where that is noticed', async () => {
    const { clock, hub, b, atB, publish } = await busOfTwo()
    let gaps = 0
    const forget = b.onGap(() => {
      gaps += 1
    })
    hub.cut(b)
    await publish('1')
    hub.mend(b, false)
    await publish('2')
    await clock.advance(0)
    expect([atB, gaps]).toEqual([['2'], 0])
    hub.mend(b, true)
    expect(gaps).toBe(1)
    forget()
    hub.mend(b, true)
    expect(gaps).toBe(1)
  })

  it('tells what a handler threw', async () => {
    const errors: unknown[] = []
    const { clock, b, publish } = await busOfTwo((error) => errors.push(error))
    const broken = new Error('broken')
    await b.subscribe('topic', () => {
      throw broken
    })
    await publish('1')
    await clock.advance(0)
    expect(errors).toEqual([broken])
  })

  it('delivers nothing to a closed endpoint, and refuses to publish there', async () => {
    const { clock, b, atB, publish } = await busOfTwo()
    await publish('on the way')
    await b.close()
    await publish('later')
    await clock.advance(0)
    expect(atB).not.toContain('later')
    await expect(b.publish('topic', '1')).rejects.toThrow('BusPort is unavailable')
  })
})

describe('MemoryPresenceHub', () => {
  it('gets everyone back with the next beat after it forgot them, and keeps when users were last seen (pitfall 9)', async () => {
    const hub = new MemoryPresenceHub()
    const presence = new MemoryPresence(new MemoryClock(), hub)
    await presence.announce('gone', 's1', 'online')
    await presence.withdraw('gone', 's1')
    await presence.announce('here', 's2', 'away')
    const before = await presence.states(['gone', 'here'])
    hub.forget()
    expect((await presence.states(['here'])).presences[0]?.state).toBe('offline')
    expect(await presence.beat()).toEqual([{ userId: 'here', state: 'away' }])
    expect(await presence.states(['gone', 'here'])).toEqual(before)
  })
})
