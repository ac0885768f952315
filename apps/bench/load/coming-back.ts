import { setTimeout as sleep } from 'node:timers/promises'
import { join, type Present, urlFor } from './crowd.js'
import type { Crowd, Return } from './protocol.js'
import { LoadSocket } from './socket.js'

/** As far apart as a client's tries are while its server is away; more of a spread than a pause. */
const RETRY_MS = { min: 50, max: 150 }
const WITHIN_MS = 60_000

/** Lets every client come back on its own once its connection breaks, with what it has missed; resolves when all are there. */
export async function comeBack(
  crowd: Crowd,
  present: readonly Present[],
): Promise<{ present: Present[]; result: Return }> {
  const deadlineMs = performance.now() + WITHIN_MS
  let listeningAtMs = Number.POSITIVE_INFINITY
  let missed = 0
  // Not for what was accepted only: the kernel does so for a process that was killed until all of it is gone.
  const onUpgraded = (acceptedAtMs: number) => {
    listeningAtMs = Math.min(listeningAtMs, performance.timeOrigin + acceptedAtMs)
  }
  const returned = await Promise.all(
    present.map(async ({ socket, heads }, index) => {
      const client = crowd.clients[index]
      if (client === undefined) throw new Error('more sockets than clients')
      await new Promise<void>((resolve) => {
        const nothing = () => undefined
        socket.listen({ onAck: nothing, onEvent: nothing, onClose: () => resolve() })
      })
      for (;;) {
        try {
          const again = await LoadSocket.open(urlFor(crowd, index), client.token, onUpgraded)
          const joined = await rejoin(again, crowd, client.rooms, heads)
          missed += joined.reduce((sum, { events }) => sum + events, 0)
          return { socket: again, heads: joined.map(({ headSeq }) => headSeq) }
        } catch (error) {
          if (performance.now() > deadlineMs) throw error
          await sleep(RETRY_MS.min + Math.random() * (RETRY_MS.max - RETRY_MS.min))
        }
      }
    }),
  )
  return { present: returned, result: { listeningAtMs, allBackAtMs: epochMs(), missedEvents: missed } }
}

async function rejoin(socket: LoadSocket, crowd: Crowd, rooms: readonly number[], heads: Present['heads']) {
  const joined = []
  for (const [index, room] of rooms.entries())
    joined.push(await join(socket, crowd.roomIds[room] ?? '', heads[index] ?? null))
  return joined
}

/** Comparable between processes, with fractions of a millisecond. */
const epochMs = (): number => performance.timeOrigin + performance.now()
