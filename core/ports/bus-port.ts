/**
 * Messages between the processes of one deployment. May lose, delay, double and reorder; what must not be lost is read
 * again from its store (`onGap`, and the sweep).
 */
export interface BusPort {
  /**
   * Hands `message` to the subscribers of `topic` in every other process, not to the publisher's own.
   * Any JSON text up to 64 KiB. Rejects with PortUnavailable when it could not be handed over.
   */
  publish(topic: string, message: string): Promise<void>
  /** False only where no other process can hear what is published here, so that it need not be made. */
  hasPeers(): boolean
  /** Resolves once messages arrive. A handler must not throw. */
  subscribe(topic: string, handler: (message: string) => void): Promise<Unsubscribe>
  /** Called after each time when messages may have been missed (a reconnection). */
  onGap(listener: () => void): Unsubscribe
  /** Whether messages may be missed at present for a reason that this process knows of; the sweep looks more often then. */
  isInDoubt?(): boolean
}

export type Unsubscribe = () => void
