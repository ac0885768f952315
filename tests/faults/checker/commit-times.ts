import type { History } from './history.js'
import type { RunIndex } from './run-index.js'
import { sightings } from './sightings.js'

/**
 * By room and seq, a time by which it was committed at the latest: somebody had been told of it, or of a later one, since
 * seqs have no holes. `Infinity` for what nobody saw during the run.
 */
export function commitTimes(history: History, { rooms }: RunIndex): Map<string, Float64Array> {
  const times = new Map<string, Float64Array>()
  for (const [room, { log }] of rooms) times.set(room, new Float64Array(log.head + 2).fill(Infinity))
  const told = (room: string, seq: number, t: number) => {
    const known = times.get(room)
    if (known === undefined || seq >= known.length) return
    known[seq] = Math.min(known[seq] ?? Infinity, t)
  }
  for (const { room, at, entry, message } of sightings(history)) {
    if (entry !== null) told(room, entry.seq, at)
    if (message !== null) told(room, message.seq, at)
  }
  for (const { type, room, answer, t_end } of history.calls)
    if (type === 'ok' && room !== undefined && answer?.head !== undefined) told(room, answer.head, t_end)
  for (const known of times.values())
    for (let seq = known.length - 2; seq >= 0; seq -= 1)
      known[seq] = Math.min(known[seq] ?? Infinity, known[seq + 1] ?? Infinity)
  return times
}
