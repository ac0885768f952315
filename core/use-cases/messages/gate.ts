import type { DeliveredUnder } from '../../domain/message.js'
import type { Room } from '../../domain/room.js'
import type { Draft, MediatorPort, Verdict } from '../../ports/mediator-port.js'

/** Has a member's text read before others do; null where the room wants none read. */
export const judge = async (mediator: MediatorPort, room: Room, draft: Draft): Promise<Verdict | null> =>
  room.mediation === 'off' ? null : mediator.judge(draft)

/** The decision that a message is delivered under; rooms without mediation name that policy. */
export const deliveredUnder = (room: Room, verdict: Verdict | null): DeliveredUnder => {
  // Without a verdict, mediation was off when the text came in: what nobody read is not said to be clear.
  if (room.mediation === 'off' || verdict === null) return 'off'
  // The only mediator so far always delivers; one that holds needs interventions before it may be composed.
  if (verdict.action === 'hold') throw new Error('a held message has nowhere to wait yet')
  return 'clear'
}

/** What the author is told beside a delivered message. */
export const commentOf = (verdict: Verdict | null): Verdict | null =>
  verdict?.action === 'comment' ? verdict : null
