/** Uniform unsigned 32-bit integers. */
export type RandomSource = () => number

/** A repeatable source (SplitMix32): the same seed, the same numbers. Not for secrets. */
export function seededRandom(seed: number): RandomSource {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    const mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    const again = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (again ^ (again >>> 15)) >>> 0
  }
}

export function randomBytesOf(random: RandomSource, count: number): Uint8Array {
  const words = Uint32Array.from({ length: Math.ceil(count / 4) }, random)
  return new Uint8Array(words.buffer, 0, count)
}
