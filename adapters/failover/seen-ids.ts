/** Numbers of one origin that are remembered one by one; what is further behind counts as seen. */
const WINDOW = 2_000
/** The origin that said nothing for longest is forgotten. */
const ORIGINS_MAX = 256

type Origin = { highest: number; readonly numbers: Set<number> }

/** Which of the numbered messages of each origin have come, in whatever order they do. */
export class SeenIds {
  private readonly origins = new Map<string, Origin>()

  /** Whether it comes for the first time. */
  add(originId: string, number: number): boolean {
    const origin = this.origins.get(originId) ?? { highest: 0, numbers: new Set() }
    this.origins.delete(originId)
    this.origins.set(originId, origin)
    const [oldest] = this.origins.keys()
    if (this.origins.size > ORIGINS_MAX && oldest !== undefined) this.origins.delete(oldest)
    if (number <= origin.highest - WINDOW || origin.numbers.has(number)) return false
    origin.numbers.add(number)
    origin.highest = Math.max(origin.highest, number)
    if (origin.numbers.size > 2 * WINDOW)
      for (const each of origin.numbers) if (each <= origin.highest - WINDOW) origin.numbers.delete(each)
    return true
  }
}
