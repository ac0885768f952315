import type { Draw } from '../draw.js'
import type { Scene, Step } from '../fault.js'

/** A step each `everyMs`, by the number of the round; a short run takes longer rather than leave some of `atLeast` out. */
export function rounds(
  { seconds }: Scene,
  everyMs: number,
  step: (round: number) => Omit<Step, 'atMs'>,
  atLeast = 1,
): readonly Step[] {
  const count = Math.max(atLeast, Math.floor((seconds * 1_000) / everyMs))
  return Array.from({ length: count }, (_, round) => ({ atMs: round * everyMs, ...step(round) }))
}

/** Some instance. */
export const anInstance = (draw: Draw, { processes }: Scene): string => `i${draw.between(1, processes)}`
