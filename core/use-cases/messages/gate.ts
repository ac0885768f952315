import type { DeliveredUnder } from '../../domain/message.js'
import type { Refusal } from '../../domain/refusal.js'
import type { Result } from '../../domain/result.js'
import type { Room } from '../../domain/room.js'
import type { Draft, MediatorPort, Verdict } from '../../ports/mediator-port.js'

/** What a write answers that wrote nothing, because the room wants read what nobody has read. */
export const UNREAD = 'unread'

export const isUnread = (room: Room, verdict: Verdict | null): boolean =>
  room.mediation !== 'off' && verdict === null

/**
 * Has a text read, unless the room wants none read, and written. Where mediation was turned on between the two, which the
 * write alone can tell for sure, it is read then, and written again.
 */
export async function writeRead<A>(
  mediator: MediatorPort,
  room: Room,
  draft: Draft,
  write: (verdict: Verdict | null) => Promise<Result<A | typeof UNREAD, Refusal>>,
): Promise<Result<A, Refusal>> {
  const written = await write(room.mediation === 'off' ? null : await mediator.judge(draft))
  if (isWritten(written)) return written
  const again = await write(await mediator.judge(draft))
  if (isWritten(again)) return again
  throw new Error('a text that was read is not to be read again')
}

const isWritten = <A>(result: Result<A | typeof UNREAD, Refusal>): result is Result<A, Refusal> =>
  !result.ok || result.value !== UNREAD

/** The decision that a message is delivered under; rooms without mediation name that policy. */
export const deliveredUnder = (room: Room, verdict: Verdict | null): DeliveredUnder => {
  if (room.mediation === 'off') return 'off'
  if (verdict === null) throw new Error('nobody has read the text')
  // The only mediator so far always delivers; one that holds needs interventions before it may be composed.
  if (verdict.action === 'hold') throw new Error('a held message has nowhere to wait yet')
  return 'clear'
}

/** What the author is told beside a delivered message. */
export const commentOf = (verdict: Verdict | null): Verdict | null =>
  verdict?.action === 'comment' ? verdict : null
