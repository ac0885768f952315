import { describe, expect, it } from 'vitest'
import type { Contender } from '../arena.js'
import type { StepResult } from '../load/protocol.js'
import { settingsFor } from '../settings.js'
import type { Sustained } from '../sustained-rate.js'
import type { SystemName } from '../systems/system.js'
import { searchInTurns } from './turns.js'

function* asking(rates: readonly number[]): Generator<number, Sustained, StepResult> {
  const steps: StepResult[] = []
  for (const rate of rates) steps.push(yield rate)
  return { best: steps.at(-1) ?? null, limitedByLoad: false, steps: [] }
}

describe('searches in turns', () => {
  it('take a step each until all are done, every step warmed up at half of its rate', async () => {
    const ran: string[] = []
    const contender = (name: SystemName) =>
      ({
        name,
        step: async (perSecond: number) => {
          ran.push(`${name} ${perSecond}`)
          return { perSecond }
        },
      }) as unknown as Contender
    const [bare, parley] = [contender('bare'), contender('parley')]
    const found = await searchInTurns(
      [
        { contender: bare, search: asking([10]) },
        { contender: parley, search: asking([20, 30]) },
      ],
      settingsFor(true, null, () => undefined),
    )
    expect(ran).toEqual(['bare 5', 'bare 10', 'parley 10', 'parley 20', 'parley 15', 'parley 30'])
    expect([bare, parley].map((each) => found.get(each)?.best?.perSecond)).toEqual([10, 30])
  })
})
