import { browserStorage, createClient, type ParleyClient, type RoomHandle } from '../../apps/client/index.js'

/** What runs in the tab: a client as an app makes one, and what a test wants to know of it. */
class Harness {
  private client: ParleyClient | null = null
  private room: RoomHandle | null = null

  start(url: string, transport: 'token' | 'cookie'): void {
    this.client = createClient({ url, transport, storage: browserStorage() })
  }

  async signUp(account: { email: string; password: string; displayName: string }): Promise<string> {
    return (await this.theClient.signUp(account)).id
  }

  async resume(): Promise<string | null> {
    return (await this.theClient.resume())?.id ?? null
  }

  async accept(code: string): Promise<void> {
    await this.theClient.acceptInvitation(code)
  }

  openRoom(roomId: string): void {
    this.room = this.theClient.openRoom(roomId)
  }

  /** Resolves when the message is stored. */
  async send(text: string): Promise<void> {
    await this.theRoom.send(text)
  }

  async profileName(): Promise<string> {
    return (await this.theClient.profile()).user.displayName
  }

  signOut(): Promise<void> {
    return this.theClient.signOut()
  }

  get view() {
    const { status, messages, outgoing } = this.theRoom.getSnapshot()
    return {
      status,
      texts: messages.map(({ text }) => text),
      outgoing: outgoing.map(({ text, state }) => `${state} ${text}`),
      session: this.theClient.session.getSnapshot().status,
      connection: this.theClient.connection.getSnapshot().status,
    }
  }

  get session() {
    return this.theClient.session.getSnapshot()
  }

  get unsent(): string[] {
    return this.theClient.outbox.getSnapshot().map(({ text }) => text)
  }

  /** As if the tab had slept for an hour: no token that the storage holds is taken for good. */
  expireStoredToken(): void {
    const { localStorage } = globalThis as unknown as { localStorage: Record<string, string> }
    const login = JSON.parse(localStorage['parley:login'] ?? 'null')
    if (login.access !== null) login.access.expiresAtMs = Date.now() - 1
    localStorage['parley:login'] = JSON.stringify(login)
  }

  private get theClient(): ParleyClient {
    if (this.client === null) throw new Error('not started')
    return this.client
  }

  private get theRoom(): RoomHandle {
    if (this.room === null) throw new Error('no room is open')
    return this.room
  }
}

declare global {
  var harness: Harness
}
globalThis.harness = new Harness()
