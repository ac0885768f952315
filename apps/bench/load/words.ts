const WORDS =
  'pick up school bag shoes doctor Monday Friday evening morning train ticket swimming lesson birthday cake grandma ' +
  'garden invoice receipt homework maths teacher meeting weekend holiday passport jacket rain late early dinner lunch ' +
  'bus station museum book library football practice music violin dentist appointment call answer please thanks sorry'

const BODY_BYTES = 200
const VARIANTS = 4_096

/** A `~` opens the mark; it stands nowhere else in what a server sends. */
export const MARK = 0x7e
const STEP_DIGITS = 4
const INDEX_DIGITS = 7
export const MARK_BYTES = 1 + STEP_DIGITS + INDEX_DIGITS

/** Texts of 200 bytes of ASCII that differ, and open with a mark by which each delivery is recognised. */
export class Bodies {
  private readonly tails: string[] = []

  constructor() {
    const words = WORDS.split(' ')
    let state = 1
    const next = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state
    }
    for (let variant = 0; variant < VARIANTS; variant += 1) {
      let tail = ''
      while (tail.length < BODY_BYTES) tail += ` ${words[next() % words.length]}`
      this.tails.push(tail.slice(0, BODY_BYTES - MARK_BYTES))
    }
  }

  body(step: number, index: number): string {
    const mark = String(step).padStart(STEP_DIGITS, '0') + String(index).padStart(INDEX_DIGITS, '0')
    return `~${mark}${this.tails[(index * 31 + step) % VARIANTS]}`
  }
}

/** The step of a mark at this place. */
export const stepAt = (data: Buffer, at: number): number => digits(data, at + 1, STEP_DIGITS)
export const indexAt = (data: Buffer, at: number): number => digits(data, at + 1 + STEP_DIGITS, INDEX_DIGITS)

function digits(data: Buffer, start: number, count: number): number {
  let value = 0
  for (let at = start; at < start + count; at += 1) value = value * 10 + (data[at] ?? 0) - 0x30
  return value
}
