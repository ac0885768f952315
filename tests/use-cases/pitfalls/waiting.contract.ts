import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { unwrap } from '../../../apps/testing/index.js'
import type { Refusal } from '../../../core/domain/refusal.js'
import type { Result } from '../../../core/domain/result.js'
import type { Deployment, Member } from './deployment.js'
import { type Home, newcomer, openHome } from './people.js'

const ROUNDS = 20
/** What the first who meet an outage may wait beside their own work: a deadline and the move of presence, on a busy machine. */
const ONCE_MS = 1_000
/** Those who come after them wait for nothing of it: what takes longer has waited for a deadline, or for a busy machine. */
const SLOW_MS = 150
const SLOW_AT_MOST = 3

type Call = () => Promise<Result<unknown, Refusal>>

/** Something of all that people do. */
function callsOf({ parley }: Member, home: Home, accessToken: string, socketId: string): readonly Call[] {
  const { actor } = home.owner
  const { roomId } = home
  const messageId = home.first.id
  return [
    () => parley.authenticate.execute(accessToken),
    () => parley.sendMessage.execute(actor, { roomId, clientMessageId: randomUUID(), text: 'Hello' }),
    () => parley.listMessages.execute(actor, { roomId }),
    () => parley.joinRoom.execute(actor, { roomId }, async () => undefined),
    () => parley.syncRoom.execute(actor, { roomId, since: 0 }),
    () => parley.getRoomPresence.execute(actor, { roomId }),
    () => parley.findUserBySocket.execute({ socketId }),
    () => parley.registerUser.execute(actor, { socketId: randomUUID() }),
    () => parley.reactToMessage.execute(actor, { messageId, emoji: '👍', on: true }),
    () => parley.listRooms.execute(actor, {}),
  ]
}

/** All at once; answers how long the slowest took. */
async function slowestOf(calls: readonly Call[]): Promise<number> {
  const all = Array.from({ length: ROUNDS }, () => calls).flat()
  return Math.max(...(await Promise.all(all.map(timeOf))))
}

async function timeOf(call: Call): Promise<number> {
  const startedMs = performance.now()
  unwrap(await call())
  return performance.now() - startedMs
}

/** What people wait for, whatever befalls the deployment. */
export const waiting = {
  'pitfall 3: answers whatever is asked, and lets nobody wait but those of the first moment': async (
    deployment,
  ) => {
    const home = await openHome(deployment)
    const { one, other, befall, mend } = deployment
    const nora = await newcomer(one, 'Nora')
    const socketId = randomUUID()
    unwrap(await other.parley.registerUser.execute(nora.actor, { socketId }))
    const calls = callsOf(one, home, nora.accessToken, socketId)
    await slowestOf(calls)
    const usualMs = await slowestOf(calls)
    await befall()
    expect(await slowestOf(calls)).toBeLessThan(2 * usualMs + ONCE_MS)
    const slow: string[] = []
    for (const call of [...calls, ...calls, ...calls]) {
      const tookMs = await timeOf(call)
      if (tookMs > SLOW_MS) slow.push(`${call} ${tookMs} ms`)
    }
    expect(slow.length, slow.join('\n')).toBeLessThanOrEqual(SLOW_AT_MOST)
    await mend()
    await slowestOf(calls)
  },
} satisfies Record<string, (deployment: Deployment) => Promise<void>>
