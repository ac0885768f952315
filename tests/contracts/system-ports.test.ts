import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ArgonPasswords, JwtTokens, SystemClock, UuidIds } from '../../adapters/system/index.js'
import { CuttingPasswords } from './broken/cutting-passwords.js'
import { DeafClock } from './broken/deaf-clock.js'
import { TimelessIds } from './broken/timeless-ids.js'
import { TrustingTokens } from './broken/trusting-tokens.js'
import { type ClockFixture, clockPortContract } from './clock-port.contract.js'
import { failuresOf } from './failures-of.js'
import { HeldClock } from './held-clock.js'
import { type IdFixture, idPortContract } from './id-port.contract.js'
import { passwordPortContract } from './password-port.contract.js'
import { type TokenFixture, tokenPortContract } from './token-port.contract.js'

const passTimeMs = async (ms: number): Promise<void> => {
  await sleep(ms)
}

const heldClock = (): ClockFixture => {
  const clock = new HeldClock()
  return { clock, passTimeMs: async (ms) => clock.pass(ms) }
}

const uuids = (): IdFixture => ({ ids: new UuidIds(), peer: new UuidIds(), passTimeMs })

function jwts(): TokenFixture {
  const clock = new HeldClock()
  const secret = 'the secret of the deployment under test'
  return {
    tokens: new JwtTokens({ secret, clock }),
    peer: new JwtTokens({ secret, clock }),
    foreign: new JwtTokens({ secret: 'the secret of quite another deployment', clock }),
    clock,
    passTimeMs: async (ms) => clock.pass(ms),
  }
}

describe('SystemClock', () => {
  it.each(Object.entries(clockPortContract))('%s', (_behaviour, verify) =>
    verify({ clock: new SystemClock(), passTimeMs }),
  )
})

describe('HeldClock', () => {
  it.each(Object.entries(clockPortContract))('%s', (_behaviour, verify) => verify(heldClock()))
})

describe('UuidIds', () => {
  it.each(Object.entries(idPortContract))('%s', (_behaviour, verify) => verify(uuids()))
})

describe('ArgonPasswords', () => {
  it.each(Object.entries(passwordPortContract))('%s', (_behaviour, verify) =>
    verify({ passwords: new ArgonPasswords() }),
  )
})

describe('JwtTokens', () => {
  it.each(Object.entries(tokenPortContract))('%s', (_behaviour, verify) => verify(jwts()))
})

describe('a broken adapter', () => {
  it('fails the clock contract when it does not cancel', async () => {
    const fixture = (): ClockFixture => {
      const held = heldClock()
      return { ...held, clock: new DeafClock(held.clock) }
    }
    expect(await failuresOf(clockPortContract, fixture)).toEqual([
      'does not run a cancelled task',
      'cancels one task and not the others, however often it is asked',
    ])
  })

  it('fails the id contract when its ids carry no time', async () => {
    const fixture = (): IdFixture => ({ ids: new TimelessIds(), peer: new TimelessIds(), passTimeMs })
    expect(await failuresOf(idPortContract, fixture)).toEqual([
      'makes ids that sort as they were made',
      'puts the time into an id',
    ])
  })

  it('fails the password contract when it cuts passwords', async () => {
    const passwords = new CuttingPasswords(new ArgonPasswords())
    expect(await failuresOf(passwordPortContract, () => ({ passwords }))).toEqual([
      'looks at a long password to its end',
    ])
  })

  it('fails the token contract when it reads without verifying', async () => {
    const fixture = (): TokenFixture => {
      const sound = jwts()
      return { ...sound, tokens: new TrustingTokens(sound.tokens) }
    }
    expect(await failuresOf(tokenPortContract, fixture)).toEqual([
      'refuses a token that has expired',
      'refuses a token of another deployment',
      'refuses a token that was altered anywhere',
      'refuses a token that names no algorithm',
    ])
  })
})
