import type { Observable } from './types.js'

/** A value with those who want to know of its changes. */
export class Store<T> implements Observable<T> {
  private readonly listeners = new Set<{ readonly onChange: () => void }>()

  constructor(private value: T) {}

  readonly getSnapshot = (): T => this.value

  readonly subscribe = (onChange: () => void): (() => void) => {
    const listener = { onChange }
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  set(value: T): void {
    if (Object.is(value, this.value)) return
    this.value = value
    for (const { onChange } of [...this.listeners]) callSafely(onChange)
  }
}

/** What a listener throws is its owner's to see, and stops nothing here. */
export function callSafely(run: () => void): void {
  try {
    run()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
