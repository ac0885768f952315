import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIFETIMES } from '../../../core/domain/cache-lifetimes.js'
import type { LiveSession, SessionPort } from '../../../core/ports/session-port.js'
import { actorOf, codeOf, type Options, signUp, startDeployment, unwrap } from '../accounts/system.js'
import { connect, find } from './two-processes.js'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** A store whose answers are of the moment when it was asked, and come when they are let go. */
function heldSessions() {
  const asked: string[] = []
  const held: (() => void)[] = []
  let isHeld = false
  const wrap: Options['wrap'] = ({ sessions }) => ({
    sessions: {
      put: (session) => sessions.put(session),
      remove: (socketId) => sessions.remove(socketId),
      async find(socketId): Promise<LiveSession | null> {
        asked.push(socketId)
        const found = await sessions.find(socketId)
        if (isHeld) await new Promise<void>((resolve) => void held.push(resolve))
        return found
      },
    } satisfies SessionPort,
  })
  const hold = () => {
    isHeld = true
  }
  const letGo = () => {
    isHeld = false
    for (const answer of held.splice(0)) answer()
  }
  return { wrap, asked, hold, letGo }
}

describe('sessions that a process remembers', () => {
  const startAsking = async (options: Options) => {
    const { startProcess, clock } = startDeployment()
    const [elsewhere, here] = [startProcess(), startProcess(options)]
    const ann = await signUp(elsewhere)
    return { elsewhere, here, ann, clock }
  }

  it('tell nobody of a login that ended, also after that is no longer remembered itself', async () => {
    const lifetimes = { ...DEFAULT_LIFETIMES, sessionMs: DAY_MS }
    const { elsewhere, here, ann, clock } = await startAsking({ settings: { lifetimes } })
    await here.parley.start()
    unwrap(await connect(elsewhere, ann, 'socket-1'))
    unwrap(await find(here, 'socket-1'))
    unwrap(await elsewhere.parley.signOut.execute({ actor: actorOf(ann) }))
    for (let passedMs = 0; passedMs < 20 * MINUTE_MS; passedMs += 10_000) {
      clock.pass(10_000)
      await turn()
      expect(codeOf(await find(here, 'socket-1')), `${passedMs} ms later`).toBe('NOT_FOUND')
    }
    expect(here.parley.loginFeed.hasEnded(ann.loginId)).toBe(false)
    here.parley.stop()
  })

  it('are asked for again where the clock was set back (fault N6)', async () => {
    const { wrap, asked } = heldSessions()
    const { elsewhere, here, ann, clock } = await startAsking({ wrap })
    unwrap(await connect(elsewhere, ann, 'socket-1'))
    unwrap(await find(here, 'socket-1'))
    clock.pass(-60 * MINUTE_MS)
    unwrap(await find(here, 'socket-1'))
    expect(asked).toEqual(['socket-1', 'socket-1'])
  })

  it('are loaded once for a thousand who ask at once (fault H2)', async () => {
    const { wrap, asked, hold, letGo } = heldSessions()
    const { elsewhere, here, ann } = await startAsking({ wrap })
    unwrap(await connect(elsewhere, ann, 'socket-1'))
    hold()
    const finds = Array.from({ length: 1_000 }, () => find(here, 'socket-1'))
    await turn()
    letGo()
    for (const found of await Promise.all(finds)) expect(unwrap(found).userId).toBe(ann.user.id)
    expect(asked).toEqual(['socket-1'])
  })

  it('are looked for twice at most where a thousand ask at once for one that is not there (fault H2)', async () => {
    const { wrap, asked, hold, letGo } = heldSessions()
    const { here } = await startAsking({ wrap })
    hold()
    const finds = Array.from({ length: 1_000 }, () => find(here, 'socket-1'))
    await turn()
    letGo()
    for (const found of await Promise.all(finds)) expect(codeOf(found)).toBe('NOT_FOUND')
    expect(asked.length).toBeLessThanOrEqual(2)
  })

  it('are found by whoever asks after they began, though another had asked before', async () => {
    const { wrap, hold, letGo } = heldSessions()
    const { elsewhere, here, ann } = await startAsking({ wrap })
    hold()
    const before = find(here, 'socket-1')
    await turn()
    unwrap(await connect(elsewhere, ann, 'socket-1'))
    const after = find(here, 'socket-1')
    await turn()
    letGo()
    expect(codeOf(await before)).toBe('NOT_FOUND')
    expect(unwrap(await after).userId).toBe(ann.user.id)
  })
})
