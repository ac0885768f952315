import type { BusPort, Unsubscribe } from '../../core/ports/bus-port.js'

/** A bus that finds out whether what others publish arrives here. */
export interface HearingBus extends BusPort {
  /** Whether its subscriptions get messages. */
  hears(): boolean
  /** Told after each change. */
  onHearing(listener: () => void): Unsubscribe
}
