import { setTimeout as sleep } from 'node:timers/promises'
import type { Check } from '../../fault.js'
import { edit, remove } from '../../workload/operations/changing.js'
import { endLogin } from '../../workload/operations/ending-logins.js'
import { removeMember } from '../../workload/operations/removing.js'
import type { Operation } from '../../workload/stage.js'
import type { World } from '../../world.js'

/** Each so often: what an old Redis must not undo. */
const TAKING: readonly { readonly operation: Operation; readonly times: number }[] = [
  { operation: remove, times: 15 },
  { operation: edit, times: 15 },
  { operation: removeMember, times: 6 },
  { operation: endLogin, times: 6 },
]

/** Deletes, edits, removals and ended logins, spread over a while. They may go on longer, as those concerned go on trying. */
export class Changes {
  private begun = 0
  private readonly under: Promise<unknown>[] = []

  constructor(private readonly world: World) {}

  async makeFor(ms: number): Promise<void> {
    const all = TAKING.flatMap(({ operation, times }) => Array.from({ length: times }, () => operation))
    for (const operation of this.world.draw.shuffled(all)) {
      this.begun += 1
      this.under.push(this.world.operate(operation))
      await sleep(ms / all.length)
    }
  }

  /** Resolves when all of them are over. */
  async end(): Promise<void> {
    await Promise.all(this.under)
  }

  check(): Check {
    return { name: 'changes that an old Redis could undo', checked: this.begun, violations: [] }
  }
}
