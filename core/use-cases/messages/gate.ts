import type { DeliveredUnder } from '../../domain/message.js'
import type { Room } from '../../domain/room.js'
import type { Verdict } from '../../ports/mediator-port.js'

/** The decision that a message is delivered under; rooms without mediation name that policy. */
export const deliveredUnder = (room: Room, verdict: Verdict): DeliveredUnder => {
  if (room.mediation === 'off') return 'off'
  // The only mediator so far always delivers; one that holds needs interventions before it may be composed.
  if (verdict.action === 'hold') throw new Error('a held message has nowhere to wait yet')
  return 'clear'
}

/** What the author is told beside a delivered message. */
export const commentOf = (verdict: Verdict): Verdict | null => (verdict.action === 'comment' ? verdict : null)
