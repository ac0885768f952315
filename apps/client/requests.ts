import { ParleyError, toParleyError } from './errors.js'
import type { Heads } from './heads.js'
import type { Http } from './http.js'
import type { Link } from './link.js'
import type { LoginKeeper } from './login-keeper.js'
import type { Environment } from './options.js'
import type { RequestOptions } from './types.js'
import { backoffMs, Deadline, Pause } from './waiting.js'
import type { Answer, Payload, SocketCall } from './wire.js'

/** One attempt takes no longer, so that a dead connection leaves time for another. */
const ATTEMPT_MS = 8_000

/** What reads a room, and is never to be older than what this client has seen of it. */
const READS: ReadonlySet<SocketCall> = new Set(['room:sync', 'message:list', 'message:search'])

type Parts = {
  readonly link: Link
  readonly http: Http
  readonly keeper: LoginKeeper
  readonly heads: Heads
  readonly environment: Environment
  readonly deadlineMs: number
}

/** Requests with a deadline, over as many attempts and connections as it allows. */
export class Requests {
  private readonly pauses = new Set<Pause>()
  /** Why the requests of the login that was are not to go on under the next one. */
  private ended: { error: ParleyError | null } = { error: null }

  constructor(private readonly parts: Parts) {}

  /** Ends all that is under way; later requests are the next login's. */
  stop(error: ParleyError): void {
    this.ended.error = error
    this.ended = { error: null }
    for (const pause of this.pauses) pause.end()
    this.parts.http.abort(error)
  }

  async socket<C extends SocketCall>(
    call: C,
    payload: Payload<C>,
    options: RequestOptions = {},
  ): Promise<Answer<C>> {
    const { link, heads } = this.parts
    const roomId = 'roomId' in payload ? payload.roomId : null
    const asked = roomId !== null && READS.has(call) ? { minSeq: heads.of(roomId), ...payload } : payload
    const answer = await this.repeated(options, async (deadline) => {
      await link.whenOnline(deadline)
      try {
        return (await link.emit(call, asked, Math.min(ATTEMPT_MS, deadline.leftMs))) as Answer<C>
      } catch (error) {
        if (toParleyError(error).code === 'UNAUTHENTICATED') link.doubtToken()
        throw error
      }
    })
    if ('headSeq' in answer) {
      const read = roomId ?? ('messages' in answer ? answer.messages[0]?.roomId : null)
      if (read != null) heads.note(read, answer.headSeq)
    }
    if ('message' in answer) heads.note(answer.message.roomId, answer.message.seq)
    return answer
  }

  /** `route` is a method and a path, such as `GET /rooms`. Reading is safe to repeat. */
  http<T>(route: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    const { http } = this.parts
    const [method = '', path = ''] = route.split(' ')
    let refusedToken: string | null = null
    return this.repeated({ repeat: method === 'GET', ...options }, async (deadline) => {
      const token = await this.token(refusedToken)
      try {
        const withinMs = Math.min(ATTEMPT_MS, deadline.leftMs)
        return await http.send<T>({ method, path, body, token, withinMs })
      } catch (error) {
        if (toParleyError(error).code !== 'UNAUTHENTICATED' || refusedToken !== null) throw error
        refusedToken = token
        return http.send<T>({
          method,
          path,
          body,
          token: await this.token(token),
          withinMs: Math.min(ATTEMPT_MS, deadline.leftMs),
        })
      }
    })
  }

  /** Where none can be had, the request itself has certainly had no effect. */
  private async token(refused: string | null): Promise<string> {
    try {
      return await this.parts.keeper.accessToken(refused)
    } catch (thrown) {
      const { code, message, retryAfterMs } = toParleyError(thrown)
      throw new ParleyError(code, message, { retryAfterMs, cause: thrown })
    }
  }

  private async repeated<T>(
    { deadlineMs = this.parts.deadlineMs, repeat = false }: RequestOptions,
    attempt: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    const { environment } = this.parts
    const { ended } = this
    const deadline = new Deadline(environment, deadlineMs)
    for (let tries = 0; ; tries += 1) {
      try {
        return await attempt(deadline)
      } catch (thrown) {
        if (ended.error !== null) throw ended.error
        const error = toParleyError(thrown)
        const waitMs = backoffMs(tries, environment, error.retryAfterMs)
        if (!mayRepeat(error, repeat) || waitMs >= deadline.leftMs) throw error
        await this.wait(waitMs)
        if (ended.error !== null) throw ended.error
      }
    }
  }

  private async wait(ms: number): Promise<void> {
    const pause = new Pause(this.parts.environment)
    this.pauses.add(pause)
    await pause.for(ms)
    this.pauses.delete(pause)
  }
}

/** What has certainly had no effect may always be sent again. */
const mayRepeat = (error: ParleyError, repeat: boolean): boolean =>
  error.isTransient && (repeat || !error.uncertain)
