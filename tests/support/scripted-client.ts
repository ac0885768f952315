import { vi } from 'vitest'
import { createClient, type Observation, type ParleyClient } from '../../apps/client/index.js'
import { ScriptedSocket } from './scripted-socket.js'

export const LIFE_S = 900
const USER = { id: 'user-1', email: 'ann@example.org', displayName: 'Ann', createdAt: '' }

/** A client whose server is the test, at a clock that stands still until the test moves it. */
export class ScriptedClient {
  readonly sockets: ScriptedSocket[] = []
  readonly observed: Observation[] = []
  readonly client: ParleyClient
  url = 'http://one.example'
  private issued = 0

  constructor() {
    this.client = createClient({
      url: () => this.url,
      socket: (to, options) => {
        const socket = new ScriptedSocket(to, options)
        this.sockets.push(socket)
        return socket
      },
      fetch: async (to) => {
        const { status, body } = await this.answer(to)
        return { status, text: async () => JSON.stringify(body) }
      },
      environment: { random: () => 0.5 },
      observe: (observation) => this.observed.push(observation),
    })
  }

  /** What `/auth/refresh` answers. */
  refresh: () => { status: number; body: unknown } | Promise<never> = () => this.signedIn()
  /** What every route below `/rooms` answers. */
  rooms: (to: string) => unknown = () => ({})

  signedIn(): { status: number; body: unknown } {
    this.issued += 1
    const tokens = { accessToken: `access-${this.issued}`, refreshToken: `refresh-${this.issued}` }
    return { status: 200, body: { user: USER, ...tokens, expiresInS: LIFE_S } }
  }

  async signIn(): Promise<void> {
    await this.client.signIn({ email: USER.email, password: 'a long and quiet sentence' })
    await pass(0)
  }

  get last(): ScriptedSocket {
    const socket = this.sockets.at(-1)
    if (socket === undefined) throw new Error('there is no socket')
    return socket
  }

  async connected(): Promise<ScriptedSocket> {
    this.last.accept()
    await pass(0)
    return this.last
  }

  private async answer(to: string): Promise<{ status: number; body: unknown }> {
    if (to.endsWith('/auth/refresh')) return this.refresh()
    return to.includes('/rooms') ? { status: 200, body: await this.rooms(to) } : this.signedIn()
  }
}

export const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
