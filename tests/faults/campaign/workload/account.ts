import { bodyOf } from '../../checker/bodies.js'
import type { Caller } from '../../checker/history.js'
import type { HistoryWriter } from '../../checker/history-file.js'
import type { Instance } from '../parts.js'
import { tryHttp } from './try-http.js'

export type Login = { readonly session: string; readonly accessToken: string }

const PASSWORD = 'a long and quiet sentence'

type SignedIn = { readonly user: { readonly id: string }; readonly accessToken: string }

/** A user of the run, with one login of its own for calls past the SDK. */
export class Account {
  private logins = 1
  private readonly bodies = new Map<string, number>()

  private constructor(
    private readonly writer: HistoryWriter,
    readonly name: string,
    readonly email: string,
    readonly userId: string,
    readonly login: Login,
  ) {}

  static async signUp(writer: HistoryWriter, name: string, at: Instance, run: string): Promise<Account> {
    const email = `${name}.${run}@example.org`
    const body = { email, password: PASSWORD, displayName: name }
    const caller = { client: `${name}-http`, user: name, session: `${name}/1`, conn: null, instance: at.name }
    const made = await tryHttp(writer, at, {
      caller,
      request: { f: 'other' },
      route: 'POST /auth/sign-up',
      body,
    })
    if (made.is !== 'ok') throw new Error(`${name} could not sign up: ${made.code}`)
    const { user, accessToken } = made.data as SignedIn
    return new Account(writer, name, email, user.id, { session: `${name}/1`, accessToken })
  }

  get password(): string {
    return PASSWORD
  }

  /** The name for one more login of this account. */
  nextSession(): string {
    this.logins += 1
    return `${this.name}/${this.logins}`
  }

  /** One more login, as on another device; null where it did not succeed. */
  async signIn(at: Instance): Promise<Login | null> {
    const session = this.nextSession()
    const signedIn = await tryHttp(this.writer, at, {
      caller: { ...this.caller(at), session },
      request: { f: 'login' },
      route: 'POST /auth/sign-in',
      body: { email: this.email, password: PASSWORD },
    })
    if (signedIn.is !== 'ok') return null
    return { session, accessToken: (signedIn.data as SignedIn).accessToken }
  }

  /** For a call over HTTP, with the account's own login unless another is given. */
  caller(at: Instance, login: Login = this.login, client = `${this.name}-http`): Caller {
    return { client, user: this.userId, session: login.session, conn: null, instance: at.name }
  }

  /** A text that this user has not sent into this room yet. */
  nextBody(room: string): string {
    const counter = (this.bodies.get(room) ?? 0) + 1
    this.bodies.set(room, counter)
    return bodyOf(room, this.userId, counter)
  }
}
