/** What a server of a fault campaign can be told to do, over the channel to its parent. */
export type FaultCommand =
  /** Nothing else runs in the process for so long. */
  | { readonly do: 'stall'; readonly ms: number }
  /** What it receives next on any socket meets a handler that throws. */
  | { readonly do: 'throw' }
  /** A promise is rejected that nobody awaits. */
  | { readonly do: 'reject' }
  /** Keeps more and more memory until the limit of the heap ends the process. */
  | { readonly do: 'fill-heap' }
  /** So that what its memory is measured to be is in use. */
  | { readonly do: 'collect-garbage' }
  /** From now on the wall clock is off by so much. Timers and the monotonic clock go on as they did. */
  | { readonly do: 'shift-clock'; readonly byMs: number }

/** The same as `shift-clock`, from the start of the process. */
export const CLOCK_OFF_BY_MS = 'FAULT_CLOCK_OFF_BY_MS'
