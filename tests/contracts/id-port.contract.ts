import assert from 'node:assert/strict'
import { isId } from '../../core/domain/ids.js'
import type { IdPort } from '../../core/ports/id-port.js'

export type IdFixture = {
  readonly ids: IdPort
  /** The ids that another process makes. */
  readonly peer: IdPort
  readonly passTimeMs: (ms: number) => Promise<void>
}

const VERSION_7 = /^.{14}7.{4}[89ab]/
const timeOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
const make = (ids: IdPort, count: number): string[] => Array.from({ length: count }, () => ids.next())

/** What every maker of ids does. */
export const idPortContract = {
  'makes UUIDs of version 7, lower case': async ({ ids }) => {
    for (const id of make(ids, 100)) {
      assert.ok(isId(id), id)
      assert.match(id, VERSION_7)
    }
  },
  'never makes one twice, not even beside another process': async ({ ids, peer }) => {
    const made = [...make(ids, 5_000), ...make(peer, 5_000)]
    assert.equal(new Set(made).size, made.length)
  },
  'makes ids that sort as they were made': async ({ ids, passTimeMs }) => {
    const made = make(ids, 500)
    await passTimeMs(5)
    made.push(...make(ids, 500))
    assert.deepEqual([...made].sort(), made)
  },
  'puts the time into an id': async ({ ids, passTimeMs }) => {
    const before = timeOf(ids.next())
    await passTimeMs(1_000)
    const passedMs = timeOf(ids.next()) - before
    assert.ok(passedMs >= 990 && passedMs < 60_000, `${passedMs} ms`)
  },
} satisfies Record<string, (fixture: IdFixture) => Promise<void>>
