import { describe, expect, it } from 'vitest'
import { drawFor } from '../../draw.js'
import { remove } from '../../workload/operations/changing.js'
import { endLogin } from '../../workload/operations/ending-logins.js'
import type { Deed, Stage } from '../../workload/stage.js'
import { Changes } from './changes.js'

/** Judged where what was asked for is done or not, as `isDone` says. */
async function judged(isDone: (deed: unknown) => boolean) {
  const operate = async <T>(operation: (stage: Stage) => Promise<T>) => isDone(operation) as T
  const changes = new Changes({ draw: drawFor(1, 'changes'), operate })
  await changes.makeFor(0)
  await changes.end()
  return changes.check()
}

const isOneOf =
  (...deeds: Deed[]) =>
  (deed: unknown) =>
    deeds.includes(deed as Deed)

describe('changes that an old Redis could undo', () => {
  it('count where they were done', async () => {
    expect(await judged(() => true)).toMatchObject({ checked: 42, violations: [] })
    const seen = '15 deletes, 0 edits, 0 removals, 6 ended logins'
    expect(await judged(isOneOf(remove, endLogin))).toMatchObject({ checked: 21, seen })
  })

  it('have to be of each kind', async () => {
    const isNoEnd = (deed: unknown) => deed !== endLogin
    expect((await judged(isNoEnd)).violations).toEqual(['no ended logins were done'])
    expect((await judged(() => false)).violations).toHaveLength(4)
  })
})
