import type { Fault } from '../fault.js'

/** Of the acks that a device is about to get. */
const SHARE = 0.15
const ACK = '"status":"delivered"'

/** The connection is reset instead of handing on an ack: what it answered is committed, and its sender cannot know. */
export const lostAcks: Fault = {
  name: 'C4',
  title: 'acks are lost: the connection is reset in their place',
  scale: `${100 * SHARE} % of all acks`,
  schedule: (_draw, { seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'lose acks', target: 'clients' },
  ],
  start({ devices, draw }) {
    let lost = 0
    const tap = () => (chunk: Buffer, way: string) => {
      if (way !== 'to-client' || !chunk.includes(ACK) || draw.chance() >= SHARE) return 'pass'
      lost += 1
      return 'reset'
    }
    return {
      async inject() {
        for (const device of devices.all) device.tapLinks(tap)
        return () => {
          for (const device of devices.all) device.tapLinks(null)
        }
      },
      checks: async () => [{ name: 'acks lost', checked: lost, violations: [], seen: String(lost) }],
    }
  },
}
