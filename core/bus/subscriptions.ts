import type { Unsubscribe } from '../ports/bus-port.js'

/** Who in this process listens to what: a bus of whatever technology hands over here what has arrived. */
export class Subscriptions {
  private readonly handlers = new Map<string, Set<(message: string) => void>>()
  private readonly gapListeners = new Set<() => void>()

  /** `onError` is told what a handler or a listener threw, and the others are served all the same. */
  constructor(private readonly onError: (error: unknown) => void = () => undefined) {}

  /** Each subscription is its own, even of the same function. */
  add(topic: string, handler: (message: string) => void): Unsubscribe {
    const own = (message: string) => handler(message)
    const handlers = this.handlers.get(topic) ?? new Set()
    this.handlers.set(topic, handlers.add(own))
    return () => {
      handlers.delete(own)
      if (handlers.size === 0 && this.handlers.get(topic) === handlers) this.handlers.delete(topic)
    }
  }

  hand(topic: string, message: string): void {
    for (const handler of this.handlers.get(topic) ?? []) this.guarded(() => handler(message))
  }

  onGap(listener: () => void): Unsubscribe {
    const own = () => listener()
    this.gapListeners.add(own)
    return () => this.gapListeners.delete(own)
  }

  tellGap(): void {
    for (const listener of this.gapListeners) this.guarded(listener)
  }

  clear(): void {
    this.handlers.clear()
    this.gapListeners.clear()
  }

  private guarded(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.onError(error)
    }
  }
}
