import { describe, expect, it } from 'vitest'
import { type Backend, Backends } from './backends.js'

const backend = (url: string): Backend => ({ url, isReady: true })

function twoBackends() {
  const clock = { ms: 0 }
  const backends = new Backends(() => clock.ms)
  const [a, b] = [backend('a'), backend('b')]
  backends.add(a)
  backends.add(b)
  return { backends, a, b, clock }
}

describe('Backends', () => {
  it('take turns while they are equally busy', () => {
    const { backends, a, b } = twoBackends()
    const chosen = Array.from({ length: 4 }, () => {
      const next = backends.choose(null) as Backend
      backends.occupy(next)()
      return next
    })
    expect(chosen).toEqual([a, b, a, b])
  })

  it('give what is new to the one at which less is open', () => {
    const { backends, a, b } = twoBackends()
    backends.occupy(a)
    const free = [backends.occupy(b), backends.occupy(b)]
    expect(backends.choose(null)).toBe(a)
    for (const each of free) each()
    expect(backends.choose(null)).toBe(b)
  })

  it('give nothing new to one that is not ready, and let its sessions go on', () => {
    const { backends, a, b } = twoBackends()
    backends.remember('session', a)
    a.isReady = false
    backends.occupy(b)
    expect(backends.choose(null)).toBe(b)
    expect(backends.choose('session')).toBe(a)
    b.isReady = false
    expect(backends.choose(null)).toBeNull()
  })

  it('let the sessions of one that is gone begin anew', () => {
    const { backends, a, b } = twoBackends()
    backends.remember('session', a)
    backends.remove(a)
    expect(backends.choose('session')).toBe(b)
    backends.remember('late', a)
    expect(backends.choose('late')).toBe(b)
  })

  it('keep a session that is used, and forget one that is not', () => {
    const { backends, a, b, clock } = twoBackends()
    backends.remember('used', b)
    backends.remember('unused', b)
    clock.ms = 100_000
    backends.choose('used')
    clock.ms = 200_000
    backends.remember('new', a)
    backends.occupy(b)
    expect(backends.choose('used')).toBe(b)
    expect(backends.choose('unused')).toBe(a)
  })

  it('hold a bounded number of sessions', () => {
    const { backends, a, b } = twoBackends()
    backends.occupy(a)
    for (let index = 0; index <= 100_000; index++) backends.remember(`s${index}`, a)
    expect(backends.choose('s0')).toBe(b)
    expect(backends.choose('s1')).toBe(a)
  })
})
