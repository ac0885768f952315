import { setTimeout as sleep } from 'node:timers/promises'
import type { Prepared } from '../arena.js'
import { LoadProcess } from '../load/load-process.js'
import type { Return } from '../load/protocol.js'
import type { RunningSystem, SystemOptions } from '../systems/system.js'

/** `missed`: messages of each room, said after everyone has joined: what those who come back have missed, as their `since` tells. */
export const RETURN = { people: 1_000, roomOf: 10, missed: 10 }
const SENDS_PER_SECOND = 200
const BEFORE_KILL_MS = 500

export type Times = Return & { readonly killedAtMs: number }

/** Connects everyone, lets them miss something, kills the server and starts it again on the same port, with them coming back. */
export async function returnOnce<T>(
  { crowd, start }: Prepared,
  options: Pick<SystemOptions, 'nodeArgs' | 'channel'>,
  observe: (back: Promise<Times>, again: RunningSystem) => Promise<T>,
): Promise<T> {
  let system = await start()
  const load = LoadProcess.start()
  try {
    await load.connect({ ...crowd, urls: [system.url] })
    const senders = crowd.roomIds.map((_, room) => ({ client: room * RETURN.roomOf, room }))
    const sends = senders.length * RETURN.missed
    const durationMs = (sends / SENDS_PER_SECOND) * 1_000
    const step = await load.step({ senders, serverPid: system.pid, perSecond: SENDS_PER_SECOND, durationMs })
    if (step.acked < sends)
      throw new Error(`${sends - step.acked} of the messages to be missed were not acked`)
    const back = load.comeBack()
    await sleep(BEFORE_KILL_MS)
    const killedAtMs = performance.timeOrigin + performance.now()
    await system.kill()
    system = await start({ ...options, port: Number(new URL(system.url).port) })
    return await observe(
      back.then((times) => ({ ...times, killedAtMs })),
      system,
    )
  } finally {
    load.stop()
    await system.stop()
  }
}
