import type { Actor } from '../../domain/account.js'
import type { SocketId } from '../../domain/ids.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { PresencePort } from '../../ports/presence-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import { withinLimits } from '../rate-limiting.js'
import type { LiveSockets } from '../sessions/live-sockets.js'
import type { PresenceTelling } from './presence-telling.js'

type Ports = {
  presence: PresencePort
  limits: RateLimitPort
  liveSockets: LiveSockets
  telling: PresenceTelling
}

/** Sets one's own registered socket online or away; the rooms are told when that changes how the user stands. */
export class SetPresence {
  constructor(private readonly ports: Ports) {}

  async execute(
    actor: Actor,
    input: { readonly socketId: SocketId; readonly state: 'online' | 'away' },
  ): Promise<Result<null, Refusal>> {
    const { presence, limits, liveSockets, telling } = this.ports
    const within = await withinLimits(limits, [[`presence:${actor.userId}`, LIMITS.presencePerUser]])
    if (!within.ok) return within
    if (liveSockets.get(input.socketId)?.userId !== actor.userId) return notFound()
    const change = await presence.announce(actor.userId, input.socketId, input.state)
    await telling.tellChange(actor.userId, change)
    return ok(null)
  }
}
