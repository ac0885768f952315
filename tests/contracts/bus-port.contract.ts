import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { BusPort } from '../../core/ports/bus-port.js'
import { eventually } from './eventually.js'

export type BusFixture = {
  /** The ends of one bus in three processes. */
  readonly a: BusPort
  readonly b: BusPort
  readonly c: BusPort
  /** How long to wait for a message before it counts as lost. */
  readonly patienceMs?: number
}

/** JSON texts with whatever a frame, a channel or a statement might stumble over. */
const AWKWARD_TEXTS = [
  '""',
  '{}',
  JSON.stringify('\0 \u001f \\ " \' | : , ; \n \r \t %s $1 {0}'),
  JSON.stringify('\ud800 lone \udfff'),
  JSON.stringify('é e\u0301 漢字 👩‍👧‍👦 \u2028 \ufeff \u202e'),
  '[1,2,3]',
]

/** Sizes around the limit of one Postgres notification, and the most that the port promises. */
const SIZES = [1, 7_900, 7_998, 7_999, 8_000, 8_001, 20_000, 64_000, 65_536]

/** A JSON text of exactly `bytes` in UTF-8, of characters of 1 to 4 bytes and escapes. */
export function jsonOfBytes(bytes: number, seed = ''): string {
  if (bytes < 2) return '1'.repeat(bytes)
  const pattern = ['a', 'é', '漢', '👩', '"', '\\']
  let text = `"${seed}`
  let length = Buffer.byteLength(text)
  for (let index = 0; ; index += 1) {
    const next = JSON.stringify(`${pattern[index % pattern.length]}${index % 10}`).slice(1, -1)
    const more = Buffer.byteLength(next)
    if (length + more + 1 > bytes) break
    text += next
    length += more
  }
  return `${text}${'x'.repeat(bytes - length - 1)}"`
}

/** Subscribes and answers the list that fills with what arrives. */
async function collect(bus: BusPort, topic: string): Promise<string[]> {
  const received: string[] = []
  await bus.subscribe(topic, (message) => received.push(message))
  return received
}

const arrived = ({ patienceMs = 10_000 }: BusFixture, received: readonly string[], count: number) =>
  eventually(`${count} messages to arrive`, () => received.length >= count, patienceMs)

/** What every bus does while nothing fails. */
export const busPortContract = {
  'may have peers where there are any': async ({ a, b, c }) => {
    assert.deepEqual([a.hasPeers(), b.hasPeers(), c.hasPeers()], [true, true, true])
  },

  'hands a message to the subscribers in every other process': async (fixture) => {
    const { a, b, c } = fixture
    const topic = randomUUID()
    const [atB, atC] = [await collect(b, topic), await collect(c, topic)]
    await a.publish(topic, '{"n":1}')
    await arrived(fixture, atB, 1)
    await arrived(fixture, atC, 1)
    assert.deepEqual([atB, atC], [['{"n":1}'], ['{"n":1}']])
  },
  'does not hand a message to the process that published it': async (fixture) => {
    const { a, b, c } = fixture
    const topic = randomUUID()
    const [atA, atC] = [await collect(a, topic), await collect(c, topic)]
    await a.publish(topic, '"own"')
    await arrived(fixture, atC, 1)
    await b.publish(topic, '"last"')
    await arrived(fixture, atA, 1)
    assert.deepEqual(atA, ['"last"'])
  },
  'hands over the messages of one publisher in order, each once (pitfall 6)': async (fixture) => {
    const { a, b } = fixture
    const topic = randomUUID()
    const atB = await collect(b, topic)
    const messages = Array.from({ length: 500 }, (_, index) => JSON.stringify({ index }))
    await Promise.all(messages.map((message) => a.publish(topic, message)))
    await a.publish(topic, '"last"')
    await arrived(fixture, atB, messages.length + 1)
    assert.deepEqual(atB, [...messages, '"last"'])
  },
  'hands a message only to the subscribers of its topic': async (fixture) => {
    const { a, b } = fixture
    const topic = randomUUID()
    const topics = [topic, `${topic}:`, `${topic} `, topic.toUpperCase(), `é|${topic}`, '__proto__', '']
    const received = await Promise.all(topics.map((name) => collect(b, name)))
    for (const name of topics) await a.publish(name, JSON.stringify(name))
    await arrived(fixture, received.at(-1) ?? [], 1)
    assert.deepEqual(
      received,
      topics.map((name) => [JSON.stringify(name)]),
    )
  },
  'carries any JSON text unchanged': async (fixture) => {
    const { a, b } = fixture
    const topic = randomUUID()
    const atB = await collect(b, topic)
    for (const text of AWKWARD_TEXTS) await a.publish(topic, text)
    await arrived(fixture, atB, AWKWARD_TEXTS.length)
    assert.deepEqual(atB, AWKWARD_TEXTS)
  },
  'carries messages of 1 byte to 64 KiB in any alphabet, in order (pitfall 6)': async (fixture) => {
    const { a, b } = fixture
    const topic = randomUUID()
    const atB = await collect(b, topic)
    const messages = SIZES.map((bytes) => jsonOfBytes(bytes))
    assert.deepEqual(
      messages.map((message) => Buffer.byteLength(message)),
      SIZES,
    )
    await Promise.all(messages.map((message) => a.publish(topic, message)))
    await arrived(fixture, atB, messages.length)
    assert.deepEqual(atB, messages)
  },
  'carries large messages of several publishers at once': async (fixture) => {
    const { a, b, c } = fixture
    const topic = randomUUID()
    const atC = await collect(c, topic)
    const fromA = Array.from({ length: 8 }, (_, index) => jsonOfBytes(30_000, `a${index} `))
    const fromB = Array.from({ length: 8 }, (_, index) => jsonOfBytes(30_000, `b${index} `))
    await Promise.all([
      ...fromA.map((message) => a.publish(topic, message)),
      ...fromB.map((message) => b.publish(topic, message)),
    ])
    await arrived(fixture, atC, 16)
    assert.deepEqual(
      atC.filter((message) => message.startsWith('"a')),
      fromA,
    )
    assert.deepEqual(
      atC.filter((message) => message.startsWith('"b')),
      fromB,
    )
  },
  'hands a message to each subscription, and to an ended one no more': async (fixture) => {
    const { a, b } = fixture
    const topic = randomUUID()
    const stays = await collect(b, topic)
    const goes: string[] = []
    const handler = (message: string) => goes.push(message)
    const unsubscribe = await b.subscribe(topic, handler)
    await b.subscribe(topic, handler)
    await a.publish(topic, '1')
    await arrived(fixture, stays, 1)
    unsubscribe()
    unsubscribe()
    await a.publish(topic, '2')
    await arrived(fixture, stays, 2)
    assert.deepEqual(goes, ['1', '1', '2'])
  },
  'goes on when a handler throws': async (fixture) => {
    const { a, b } = fixture
    const topic = randomUUID()
    await b.subscribe(topic, () => {
      throw new Error('a handler that throws')
    })
    const atB = await collect(b, topic)
    await a.publish(topic, '1')
    await a.publish(topic, '2')
    await arrived(fixture, atB, 2)
    assert.deepEqual(atB, ['1', '2'])
  },
} satisfies Record<string, (fixture: BusFixture) => Promise<void>>
