import type { CacheLifetimes } from '../../domain/cache-lifetimes.js'
import type { BusPort } from '../../ports/bus-port.js'
import type { Cancel, ClockPort } from '../../ports/clock-port.js'
import type { SettingsRepoPort, StoredSettings } from '../../ports/settings-repo-port.js'

const TOPIC = 'settings'

/** The longest that a lost hint stays unnoticed, besides what reading takes. */
export const SETTINGS_REREAD_MS = 5_000

type Ports = { storedSettings: SettingsRepoPort; bus: BusPort; clock: ClockPort }

/**
 * What operators have set, as it is in force in this process: over the defaults that it was started with. Fed by its own changes
 * and by reading the store again: when another process says that it changed something, after a gap of the bus, and every few
 * seconds. While the store is away everything stays as it is.
 */
export class SettingsFeed {
  /** In force. Whoever reads a field later reads what is in force then. */
  readonly lifetimes: Readonly<CacheLifetimes>
  private stored: StoredSettings = { version: 0, lifetimes: {} }
  private cancelNext: Cancel | null = null
  private rereading = false
  private hinted = false
  private stopped = false

  constructor(
    private readonly ports: Ports,
    defaults: Readonly<CacheLifetimes>,
  ) {
    const inForce = (name: keyof CacheLifetimes): number => this.stored.lifetimes[name] ?? defaults[name]
    this.lifetimes = {
      get sessionMs() {
        return inForce('sessionMs')
      },
      get memberMs() {
        return inForce('memberMs')
      },
      get messagesMs() {
        return inForce('messagesMs')
      },
    }
  }

  /** Resolves once what is stored is in force; rejects when it cannot be read. */
  async start(): Promise<void> {
    const { storedSettings, bus } = this.ports
    await bus.subscribe(TOPIC, (version) => {
      if (Number(version) !== this.stored.version) this.rereadSoon()
    })
    bus.onGap(() => this.rereadSoon())
    await this.learn(storedSettings.read())
    // Unless a hint came meanwhile: then the next reading is set already.
    if (this.cancelNext === null) this.schedule(SETTINGS_REREAD_MS)
  }

  stop(): void {
    this.stopped = true
    this.cancelNext?.()
  }

  /**
   * Puts in force what the store answers, be it of an older version (a database that was restored), unless something newer
   * came into force while it was asked. Rejects as `answer` does.
   */
  async learn(answer: Promise<StoredSettings>): Promise<void> {
    const before = this.stored
    const stored = await answer
    if (this.stored === before || stored.version > this.stored.version) this.stored = stored
  }

  /** Tells the other processes that there is something to read. Resolves without waiting for them. */
  announce(): void {
    this.ports.bus.publish(TOPIC, JSON.stringify(this.stored.version)).catch(() => undefined)
  }

  private rereadSoon(): void {
    this.hinted = true
    if (!this.rereading) this.schedule(0)
  }

  private schedule(delayMs: number): void {
    this.cancelNext?.()
    if (!this.stopped) this.cancelNext = this.ports.clock.after(delayMs, () => void this.reread())
  }

  private async reread(): Promise<void> {
    this.rereading = true
    this.hinted = false
    await this.learn(this.ports.storedSettings.read()).catch(() => undefined)
    this.rereading = false
    this.schedule(this.hinted ? 0 : SETTINGS_REREAD_MS)
  }
}
