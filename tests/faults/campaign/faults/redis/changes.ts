import { setTimeout as sleep } from 'node:timers/promises'
import type { Check } from '../../fault.js'
import { edit, remove } from '../../workload/operations/changing.js'
import { endLogin } from '../../workload/operations/ending-logins.js'
import { removeMember } from '../../workload/operations/removing.js'
import type { Deed } from '../../workload/stage.js'
import type { World } from '../../world.js'

type Kind = { readonly name: string; readonly deed: Deed; readonly times: number }

/** Each so often: what an old Redis must not undo. */
const TAKING: readonly Kind[] = [
  { name: 'deletes', deed: remove, times: 15 },
  { name: 'edits', deed: edit, times: 15 },
  { name: 'removals', deed: removeMember, times: 6 },
  { name: 'ended logins', deed: endLogin, times: 6 },
]

/** Deletes, edits, removals and ended logins, spread over a while. They may go on longer, as those concerned go on trying. */
export class Changes {
  private readonly done = new Map(TAKING.map(({ name }) => [name, 0]))
  private readonly under: Promise<void>[] = []

  constructor(private readonly world: Pick<World, 'draw' | 'operate'>) {}

  async makeFor(ms: number): Promise<void> {
    const all = TAKING.flatMap((kind) => Array.from({ length: kind.times }, () => kind))
    for (const kind of this.world.draw.shuffled(all)) {
      this.under.push(this.make(kind))
      await sleep(ms / all.length)
    }
  }

  /** Resolves when all of them are over. */
  async end(): Promise<void> {
    await Promise.all(this.under)
  }

  /** Once they are over. Of what was not done at all nothing could be undone. */
  check(): Check {
    const counts = [...this.done]
    return {
      name: 'changes that an old Redis could undo',
      checked: counts.reduce((sum, [, count]) => sum + count, 0),
      violations: counts.filter(([, count]) => count === 0).map(([name]) => `no ${name} were done`),
      seen: counts.map(([name, count]) => `${count} ${name}`).join(', '),
    }
  }

  private async make({ name, deed }: Kind): Promise<void> {
    if (await this.world.operate(deed)) this.done.set(name, (this.done.get(name) ?? 0) + 1)
  }
}
