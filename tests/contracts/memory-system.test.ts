import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { AlwaysDeliver } from '../../adapters/mediator/index.js'
import {
  MemoryClock,
  MemoryIds,
  MemoryPasswords,
  MemoryTokens,
  seededRandom,
} from '../../adapters/memory/index.js'
import { clockPortContract } from './clock-port.contract.js'
import { idPortContract } from './id-port.contract.js'
import { mediatorContract } from './mediator.contract.js'
import { passwordPortContract } from './password-port.contract.js'
import { tokenPortContract } from './token-port.contract.js'

function held() {
  const clock = new MemoryClock()
  return { clock, passTimeMs: (ms: number) => clock.advance(ms) }
}

describe('MemoryClock', () => {
  it.each(Object.entries(clockPortContract))('standing still: %s', (_behaviour, verify) => verify(held()))
  it.each(Object.entries(clockPortContract))('following the wall clock: %s', (_behaviour, verify) =>
    verify({ clock: new MemoryClock({ followsWallClock: true }), passTimeMs: (ms) => sleep(ms) }),
  )
})

describe('MemoryIds', () => {
  it.each(Object.entries(idPortContract))('%s', (_behaviour, verify) => {
    const { clock, passTimeMs } = held()
    return verify({ ids: new MemoryIds(clock), peer: new MemoryIds(clock, seededRandom(7)), passTimeMs })
  })
})

describe('MemoryPasswords', () => {
  it.each(Object.entries(passwordPortContract))('%s', (_behaviour, verify) =>
    verify({ passwords: new MemoryPasswords() }),
  )
})

describe('MemoryTokens', () => {
  it.each(Object.entries(tokenPortContract))('%s', (_behaviour, verify) => {
    const { clock, passTimeMs } = held()
    const tokens = new MemoryTokens(clock)
    const peer = new MemoryTokens(clock, seededRandom(3))
    const foreign = new MemoryTokens(clock, seededRandom(4), 'another deployment')
    return verify({ tokens, peer, foreign, clock, passTimeMs })
  })
})

describe('AlwaysDeliver', () => {
  it.each(Object.entries(mediatorContract))('%s', (_behaviour, verify) =>
    verify({ mediator: new AlwaysDeliver(), budgetMs: 250 }),
  )
})
