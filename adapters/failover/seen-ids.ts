/** How many numbers of one origin are remembered one by one; what is further behind counts as seen. */
const WINDOW = 2_048
/** The origin that said nothing for longest is forgotten. */
const ORIGINS_MAX = 256
const WORD_BITS = 32

type Origin = { highest: number; readonly bits: Uint32Array }

/** Which of the numbered messages of each origin have come, in whatever order they do; as IPsec knows replayed packets (RFC 6479). */
export class SeenIds {
  private readonly origins = new Map<string, Origin>()

  /** Whether it comes for the first time. `number`: 1 and up. */
  add(originId: string, number: number): boolean {
    const origin = this.touch(originId)
    if (number <= origin.highest - WINDOW) return false
    // What falls out of the window makes room for what comes into it.
    for (let each = Math.max(origin.highest, number - WINDOW) + 1; each <= number; each += 1)
      write(origin.bits, each, false)
    origin.highest = Math.max(origin.highest, number)
    if (has(origin.bits, number)) return false
    write(origin.bits, number, true)
    return true
  }

  private touch(originId: string): Origin {
    const origin = this.origins.get(originId) ?? {
      highest: 0,
      bits: new Uint32Array(WINDOW / WORD_BITS),
    }
    this.origins.delete(originId)
    this.origins.set(originId, origin)
    const [oldest] = this.origins.keys()
    if (this.origins.size > ORIGINS_MAX && oldest !== undefined) this.origins.delete(oldest)
    return origin
  }
}

const placeOf = (number: number) => ({
  word: Math.floor((number % WINDOW) / WORD_BITS),
  bit: 1 << (number % WORD_BITS),
})

function has(bits: Uint32Array, number: number): boolean {
  const { word, bit } = placeOf(number)
  return ((bits[word] ?? 0) & bit) !== 0
}

function write(bits: Uint32Array, number: number, isSet: boolean): void {
  const { word, bit } = placeOf(number)
  bits[word] = isSet ? (bits[word] ?? 0) | bit : (bits[word] ?? 0) & ~bit
}
