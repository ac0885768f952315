import type { Environment } from './options.js'

/** Who is typing in a room, for as long as the server said. */
export class Typing {
  private readonly timers = new Map<string, unknown>()

  constructor(
    private readonly environment: Environment,
    private readonly onChange: () => void,
  ) {}

  list(): readonly string[] {
    return [...this.timers.keys()]
  }

  set(userId: string, typing: boolean, expiresInMs: number): void {
    const timer = this.timers.get(userId)
    if (timer !== undefined) this.environment.clearTimeout(timer)
    else if (!typing) return
    this.timers.delete(userId)
    if (typing)
      this.timers.set(
        userId,
        this.environment.setTimeout(() => this.set(userId, false, 0), expiresInMs),
      )
    this.onChange()
  }

  clear(): void {
    for (const timer of this.timers.values()) this.environment.clearTimeout(timer)
    this.timers.clear()
  }
}
