import type { UserId } from '../../core/domain/ids.js'
import type { Presence, PresenceState } from '../../core/ports/presence-port.js'
import * as scripts from './presence-scripts.js'
import type { RedisConnection } from './redis-connection.js'

/** Of one script, which holds up everybody else on this Redis. */
export const USERS_AT_ONCE = 200

type Script = ReturnType<RedisConnection['script']>
type ScriptName = Exclude<keyof typeof scripts, 'LEASE_MS'>
type Arguments = readonly (string | number)[]

/** What a process asks of presence in Redis, each time with one script or several. */
export class PresenceCommands {
  private readonly prefix: string
  private readonly scripts: Readonly<Record<ScriptName, Script>>

  constructor(
    redis: RedisConnection,
    private readonly port: string,
    private readonly leaseMs: number,
  ) {
    this.prefix = `${redis.prefix}presence:{presence}:`
    const { LEASE_MS, ...bodies } = scripts
    const make = ([name, lua]: [string, string]) => [
      name,
      redis.script(`parleyPresence${name}`, 1, lua.replaceAll(LEASE_MS, String(leaseMs))),
    ]
    this.scripts = Object.fromEntries(Object.entries(bodies).map(make)) as typeof this.scripts
  }

  /** Empty where the script answers nothing. */
  async run(name: ScriptName, ...args: Arguments): Promise<readonly string[]> {
    const answer = await this.answerOf(name, ...args)
    return Array.isArray(answer) ? answer.map(String) : []
  }

  answerOf(name: ScriptName, ...args: Arguments): Promise<unknown> {
    return this.scripts[name](this.port, `${this.prefix}leases`, this.prefix, ...args)
  }

  /** `confirmed`: the number of the process's last write that Redis is known to have carried out; 0: nothing of it is to be missed. */
  async states(bootId: string, confirmed: number, userIds: readonly UserId[]) {
    const presences: Presence[] = []
    let partial = false
    for (let from = 0; from < userIds.length; from += USERS_AT_ONCE) {
      const asked = userIds.slice(from, from + USERS_AT_ONCE)
      const [isMissed, ...answer] = await this.run('STATES', bootId, this.leaseMs, confirmed, ...asked)
      partial ||= isMissed === '1'
      asked.forEach((userId, index) => {
        const state = answer[2 * index] as PresenceState
        const seen = answer[2 * index + 1] ?? ''
        presences.push({
          userId,
          state,
          lastSeenAtMs: state === 'offline' && seen !== '' ? Number(seen) : null,
        })
      })
    }
    return { presences, partial }
  }

  /** Takes away all that a process has stored; the users who are offline by that. */
  async remove(bootId: string, leaves: boolean): Promise<readonly UserId[]> {
    const offline: UserId[] = []
    let hasMore = true
    while (hasMore) {
      const flag = leaves ? '1' : '0'
      const [more, ...users] = await this.run('REMOVE', bootId, this.leaseMs, USERS_AT_ONCE, flag)
      offline.push(...users)
      hasMore = more === '1'
    }
    return offline
  }
}
