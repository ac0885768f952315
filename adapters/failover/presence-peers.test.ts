import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Place } from './movable-presence.js'
import { PresencePeers } from './presence-peers.js'

const KNOWN_FOR_MS = 20
/** A look takes longer than what it finds is good for. */
const LOOK_MS = 60
/** More than two looks, and less than many. */
const SOON_MS = 1_000

function slowPeers() {
  const meeting = { looks: 0, places: new Set<Place>() }
  const peers = new PresencePeers(
    {
      async placesOfPeers() {
        meeting.looks += 1
        const { places } = meeting
        await sleep(LOOK_MS)
        return places
      },
    },
    KNOWN_FOR_MS,
  )
  return { meeting, peers }
}

const soon = <T>(answer: Promise<T>) => Promise.race([answer, sleep(SOON_MS, 'too late' as const)])

describe('PresencePeers', () => {
  it('answers after one look, however long that takes', async () => {
    const { meeting, peers } = slowPeers()
    meeting.places = new Set(['here'])
    expect(await soon(peers.places())).toEqual(new Set(['here']))
    expect(meeting.looks).toBe(1)
  })

  it('does not take for known what a look finds that began too long before', async () => {
    const { meeting, peers } = slowPeers()
    void peers.look()
    await sleep(2 * KNOWN_FOR_MS)
    meeting.places = new Set(['ready'])
    expect(await soon(peers.places())).toEqual(new Set(['ready']))
    expect(meeting.looks).toBe(2)
  })

  it('answers each of those who go on asking how it is now', async () => {
    const { meeting, peers } = slowPeers()
    const asked: Promise<unknown>[] = []
    for (let asks = 0; asks < 10; asks += 1) {
      asked.push(peers.placesNow())
      await sleep(LOOK_MS / 3)
    }
    expect(await soon(asked[0] ?? Promise.reject(new Error('nobody asked')))).toEqual(new Set())
    // Those who ask during a look share the next one.
    expect(await soon(Promise.all(asked))).toHaveLength(10)
    expect(meeting.looks).toBeLessThanOrEqual(7)
  })
})
