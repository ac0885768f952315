/**
 * What waits most of the time, divided for suites that run side by side, each with a set-up of its own:
 * neighbours go to different ones, as those that wait stand together.
 */
export const lanesOf = <T>(
  all: readonly T[],
  count: number,
): (readonly [name: string, lane: readonly T[]])[] =>
  Array.from({ length: count }, (_, lane) => [
    `in lane ${lane + 1} of ${count}`,
    all.filter((_, index) => index % count === lane),
  ])
