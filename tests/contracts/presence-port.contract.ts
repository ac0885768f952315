import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { UserId } from '../../core/domain/ids.js'
import type { Presence, PresencePort, UserState } from '../../core/ports/presence-port.js'

export type PresenceFixture = {
  /** Starts one more process of the deployment. */
  readonly boot: () => PresencePort
  /** How long a process may go without a beat. */
  readonly leaseMs: number
  readonly passTimeMs: (ms: number) => Promise<void>
}

const OFFLINE_TO_ONLINE = { before: 'offline', after: 'online' }
const ONLINE_TO_OFFLINE = { before: 'online', after: 'offline' }
const STILL_ONLINE = { before: 'online', after: 'online' }

async function presenceOf(presence: PresencePort, userId: UserId): Promise<Presence> {
  const { presences } = await presence.states([userId])
  return presences[0] ?? assert.fail('answered nobody')
}

const stateOf = async (presence: PresencePort, userId: UserId) => (await presenceOf(presence, userId)).state

const byUser = (users: readonly UserState[]) => users.toSorted((a, b) => (a.userId < b.userId ? -1 : 1))

/** Lets a lease run out while `living` goes on beating. */
async function outlive(fixture: PresenceFixture, living: readonly PresencePort[]): Promise<void> {
  const { leaseMs, passTimeMs } = fixture
  for (let step = 0; step < 3; step += 1) {
    await passTimeMs(leaseMs / 2)
    for (const presence of living) await presence.beat()
  }
}

type States = { readonly dead: 'online' | 'away'; readonly peer: 'online' | 'away' }

/** A user who had a socket on a process that has died since, and has one on a living peer. */
async function survived(fixture: PresenceFixture, states: States) {
  const [dead, peer, userId] = [fixture.boot(), fixture.boot(), randomUUID()]
  await dead.announce(userId, 's1', states.dead)
  await peer.announce(userId, 's2', states.peer)
  await outlive(fixture, [peer])
  const { mark } = await peer.changes(null)
  return { peer, userId, mark }
}

const whileAllLive = {
  'tells that a user comes online with the first socket and goes with the last (pitfall 9)': async ({
    boot,
  }) => {
    const [presence, userId] = [boot(), randomUUID()]
    assert.deepEqual(await presence.announce(userId, 's1', 'online'), OFFLINE_TO_ONLINE)
    assert.deepEqual(await presence.announce(userId, 's2', 'online'), STILL_ONLINE)
    assert.deepEqual(await presence.withdraw(userId, 's1'), STILL_ONLINE)
    assert.deepEqual(await presence.withdraw(userId, 's2'), ONLINE_TO_OFFLINE)
  },
  'changes nothing when a socket is announced or withdrawn again': async ({ boot, passTimeMs }) => {
    const [presence, userId] = [boot(), randomUUID()]
    await presence.announce(userId, 's1', 'online')
    assert.deepEqual(await presence.announce(userId, 's1', 'online'), STILL_ONLINE)
    await presence.withdraw(userId, 's1')
    assert.deepEqual(await presence.withdraw(userId, 's1'), { before: 'offline', after: 'offline' })
    const seen = await presenceOf(presence, userId)
    await passTimeMs(50)
    assert.deepEqual(await presence.withdraw(userId, 'unknown'), { before: 'offline', after: 'offline' })
    assert.deepEqual(await presenceOf(presence, userId), seen)
  },
  'shows a user away only while all their sockets are': async ({ boot }) => {
    const [presence, peer, userId] = [boot(), boot(), randomUUID()]
    assert.deepEqual(await presence.announce(userId, 's1', 'away'), { before: 'offline', after: 'away' })
    assert.deepEqual(await peer.announce(userId, 's2', 'online'), { before: 'away', after: 'online' })
    assert.deepEqual(await peer.announce(userId, 's2', 'away'), { before: 'online', after: 'away' })
    assert.equal(await stateOf(presence, userId), 'away')
    assert.deepEqual(await presence.announce(userId, 's1', 'online'), { before: 'away', after: 'online' })
    assert.deepEqual(await presence.withdraw(userId, 's1'), { before: 'online', after: 'away' })
  },
  'counts the sockets of all processes together (pitfall 9)': async ({ boot }) => {
    const [presence, peer, userId] = [boot(), boot(), randomUUID()]
    await presence.announce(userId, 's1', 'online')
    assert.deepEqual(await peer.announce(userId, 's2', 'online'), STILL_ONLINE)
    assert.deepEqual(await presence.withdraw(userId, 's1'), STILL_ONLINE)
    assert.equal(await stateOf(presence, userId), 'online')
    assert.deepEqual(await peer.withdraw(userId, 's2'), ONLINE_TO_OFFLINE)
    assert.equal(await stateOf(presence, userId), 'offline')
  },
  'tells exactly one process that the last socket went when the last two go at once': async ({ boot }) => {
    const [presence, peer] = [boot(), boot()]
    for (let round = 0; round < 10; round += 1) {
      const userId = randomUUID()
      await presence.announce(userId, 's1', 'online')
      await peer.announce(userId, 's2', 'online')
      const changes = await Promise.all([presence.withdraw(userId, 's1'), peer.withdraw(userId, 's2')])
      assert.deepEqual(changes.map((change) => change.after).sort(), ['offline', 'online'])
      assert.equal(await stateOf(presence, userId), 'offline')
    }
  },
  'answers states in the order asked, also for users never seen, and not partially': async ({ boot }) => {
    const [presence, peer] = [boot(), boot()]
    const [online, away, never] = [randomUUID(), randomUUID(), randomUUID()]
    await presence.announce(online, 's1', 'online')
    await peer.announce(away, 's2', 'away')
    assert.deepEqual(await presence.states([never, online, away, online]), {
      presences: [
        { userId: never, state: 'offline', lastSeenAtMs: null },
        { userId: online, state: 'online', lastSeenAtMs: null },
        { userId: away, state: 'away', lastSeenAtMs: null },
        { userId: online, state: 'online', lastSeenAtMs: null },
      ],
      partial: false,
    })
    assert.deepEqual(await presence.states([]), { presences: [], partial: false })
  },
  'tells when a user was last seen, and only while they are gone': async ({ boot, passTimeMs }) => {
    const [presence, userId] = [boot(), randomUUID()]
    await presence.announce(userId, 's1', 'online')
    await presence.withdraw(userId, 's1')
    const first = (await presenceOf(presence, userId)).lastSeenAtMs ?? assert.fail('was never seen')
    await passTimeMs(50)
    await presence.announce(userId, 's1', 'online')
    assert.equal((await presenceOf(presence, userId)).lastSeenAtMs, null)
    await presence.withdraw(userId, 's1')
    const second = (await presenceOf(presence, userId)).lastSeenAtMs ?? assert.fail('was never seen')
    assert.ok(second - first >= 50, `${first} and then ${second}`)
  },
  'takes everything of a process that leaves, and nothing of the others': async ({ boot }) => {
    const [presence, peer] = [boot(), boot()]
    const [own, shared] = [randomUUID(), randomUUID()]
    await presence.announce(own, 's1', 'online')
    await presence.announce(shared, 's2', 'online')
    await peer.announce(shared, 's3', 'online')
    await presence.leave()
    assert.equal(await stateOf(peer, own), 'offline')
    assert.notEqual((await presenceOf(peer, own)).lastSeenAtMs, null)
    assert.equal(await stateOf(peer, shared), 'online')
    assert.deepEqual(await peer.withdraw(shared, 's3'), ONLINE_TO_OFFLINE)
    await presence.leave()
  },
} satisfies PresenceContract

const whenOneDies = {
  'keeps a user online for as long as their process beats': async (fixture) => {
    const [presence, peer, userId] = [fixture.boot(), fixture.boot(), randomUUID()]
    await presence.announce(userId, 's1', 'online')
    await fixture.passTimeMs(fixture.leaseMs / 2)
    assert.equal(await stateOf(peer, userId), 'online')
    await presence.beat()
    await outlive(fixture, [presence, peer])
    assert.deepEqual(await peer.reap(), [])
    assert.equal(await stateOf(peer, userId), 'online')
  },
  'shows a user offline once the lease of their process has run out, with the time of its last beat (pitfall 9)':
    async (fixture) => {
      const [dead, peer, userId] = [fixture.boot(), fixture.boot(), randomUUID()]
      await peer.announce(randomUUID(), 'other', 'online')
      await dead.announce(userId, 's1', 'online')
      await outlive(fixture, [peer])
      const before = await presenceOf(peer, userId)
      assert.equal(before.state, 'offline')
      assert.notEqual(before.lastSeenAtMs, null)
      assert.deepEqual(await peer.reap(), [userId])
      assert.deepEqual(await presenceOf(peer, userId), before)
    },
  'tells exactly one process, and once, of the users whom a dead one left behind': async (fixture) => {
    const [dead, peer, third] = [fixture.boot(), fixture.boot(), fixture.boot()]
    const users = Array.from({ length: 5 }, () => randomUUID()).sort()
    for (const living of [peer, third]) await living.announce(randomUUID(), randomUUID(), 'online')
    for (const userId of users) await dead.announce(userId, `s-${userId}`, 'online')
    await outlive(fixture, [peer, third])
    const told = (await Promise.all([peer.reap(), third.reap(), peer.reap()])).flat()
    assert.deepEqual(told.sort(), users)
    assert.deepEqual(await third.reap(), [])
  },
  'does not put offline who is also on a living process (pitfall 9)': async (fixture) => {
    const [dead, peer, userId] = [fixture.boot(), fixture.boot(), randomUUID()]
    await dead.announce(userId, 's1', 'online')
    await peer.announce(userId, 's2', 'away')
    await outlive(fixture, [peer])
    assert.equal(await stateOf(peer, userId), 'away')
    assert.deepEqual(await peer.reap(), [])
    assert.deepEqual(await peer.withdraw(userId, 's2'), { before: 'away', after: 'offline' })
  },
  'does not tell of a user again who was told to have gone before the reaping': async (fixture) => {
    const [dead, peer, userId] = [fixture.boot(), fixture.boot(), randomUUID()]
    await dead.announce(userId, 's1', 'online')
    await peer.announce(userId, 's2', 'online')
    await outlive(fixture, [peer])
    assert.deepEqual(await peer.withdraw(userId, 's2'), ONLINE_TO_OFFLINE)
    assert.deepEqual(await peer.reap(), [])
  },
  'tells that a user comes online again who has left a dead process behind (pitfall 9)': async (fixture) => {
    const [dead, peer, userId] = [fixture.boot(), fixture.boot(), randomUUID()]
    await dead.announce(userId, 's1', 'online')
    await peer.beat()
    await outlive(fixture, [peer])
    assert.deepEqual(await peer.announce(userId, 's2', 'online'), OFFLINE_TO_ONLINE)
    assert.deepEqual(await peer.reap(), [])
    assert.equal(await stateOf(peer, userId), 'online')
  },
  'brings the sockets of a process back that was taken for dead and beats again': async (fixture) => {
    const [paused, peer, userId] = [fixture.boot(), fixture.boot(), randomUUID()]
    await paused.announce(userId, 's1', 'away')
    await peer.beat()
    await outlive(fixture, [peer])
    assert.deepEqual(await peer.reap(), [userId])
    await paused.beat()
    assert.equal(await stateOf(peer, userId), 'away')
    assert.deepEqual(await paused.withdraw(userId, 's1'), { before: 'away', after: 'offline' })
  },
  'tells with the beat that brings them back, and once, who came back and how they stand': async (
    fixture,
  ) => {
    const [paused, peer] = [fixture.boot(), fixture.boot()]
    const [online, away, alsoThere] = [randomUUID(), randomUUID(), randomUUID()]
    await peer.announce(alsoThere, 's0', 'online')
    await paused.announce(online, 's1', 'online')
    await paused.announce(away, 's2', 'away')
    await paused.announce(alsoThere, 's3', 'online')
    await outlive(fixture, [peer])
    assert.deepEqual([...(await peer.reap())].sort(), [online, away].sort())
    assert.deepEqual(
      byUser(await paused.beat()),
      byUser([
        { userId: online, state: 'online' },
        { userId: away, state: 'away' },
      ]),
    )
    assert.deepEqual(await paused.beat(), [])
    assert.deepEqual(await peer.beat(), [])
  },
  'tells with the next beat of those who came back before it, but not of whom it has told already': async (
    fixture,
  ) => {
    const [paused, peer] = [fixture.boot(), fixture.boot()]
    const [back, gone, fresh] = [randomUUID(), randomUUID(), randomUUID()]
    await peer.beat()
    await paused.announce(back, 's1', 'online')
    await paused.announce(gone, 's2', 'online')
    await outlive(fixture, [peer])
    assert.deepEqual([...(await peer.reap())].sort(), [back, gone].sort())
    assert.deepEqual(await paused.announce(fresh, 's3', 'online'), OFFLINE_TO_ONLINE)
    assert.deepEqual(await paused.announce(back, 's4', 'online'), STILL_ONLINE)
    assert.deepEqual(await paused.withdraw(gone, 's2'), ONLINE_TO_OFFLINE)
    assert.deepEqual(await paused.beat(), [{ userId: back, state: 'online' }])
  },
  'tells of nobody with a beat while all is well': async ({ boot, leaseMs, passTimeMs }) => {
    const [presence, peer, userId] = [boot(), boot(), randomUUID()]
    assert.deepEqual(await presence.beat(), [])
    await presence.announce(userId, 's1', 'online')
    await peer.announce(userId, 's2', 'away')
    await passTimeMs(leaseMs / 2)
    for (const process of [presence, peer]) assert.deepEqual(await process.beat(), [])
  },
} satisfies PresenceContract

const changed = async (presence: PresencePort, mark: string) => {
  const { userIds, mark: next } = await presence.changes(mark)
  return { users: [...userIds].sort(), next }
}

const whatChanged = {
  'names whose state was changed, by whichever process, and once': async ({ boot }) => {
    const [presence, peer] = [boot(), boot()]
    const [own, other] = [randomUUID(), randomUUID()]
    await presence.announce(randomUUID(), 's0', 'online')
    const { userIds, mark } = await presence.changes(null)
    assert.deepEqual(userIds, [])
    await presence.announce(own, 's1', 'online')
    await peer.announce(other, 's2', 'away')
    const came = await changed(presence, mark)
    assert.deepEqual(came.users, [own, other].sort())
    await presence.withdraw(own, 's1')
    await peer.announce(other, 's2', 'online')
    const went = await changed(presence, came.next)
    assert.deepEqual(went.users, [own, other].sort())
    assert.deepEqual((await changed(presence, went.next)).users, [])
  },
  'names nobody who stands as before': async ({ boot }) => {
    const [presence, peer, userId] = [boot(), boot(), randomUUID()]
    await presence.announce(userId, 's1', 'online')
    const { mark } = await presence.changes(null)
    await peer.announce(userId, 's2', 'online')
    await presence.announce(userId, 's1', 'away')
    await presence.withdraw(userId, 's1')
    await presence.beat()
    assert.deepEqual((await changed(peer, mark)).users, [])
  },
  'names whom a dead process left behind once they are reaped, and those who come back': async (fixture) => {
    const [paused, peer, third] = [fixture.boot(), fixture.boot(), fixture.boot()]
    const users = [randomUUID(), randomUUID()].sort()
    for (const living of [peer, third]) await living.announce(randomUUID(), randomUUID(), 'online')
    for (const userId of users) await paused.announce(userId, `s-${userId}`, 'online')
    await outlive(fixture, [peer, third])
    const { mark } = await third.changes(null)
    await peer.reap()
    const reaped = await changed(third, mark)
    assert.deepEqual(reaped.users, users)
    await paused.beat()
    assert.deepEqual((await changed(third, reaped.next)).users, users)
  },
  'names who stands otherwise without a dead process, though they are on a living one too': async (
    fixture,
  ) => {
    const { peer, userId, mark } = await survived(fixture, { dead: 'online', peer: 'away' })
    assert.deepEqual(await peer.reap(), [])
    assert.deepEqual((await changed(peer, mark)).users, [userId])
  },
  'names nobody who stands the same without a dead process': async (fixture) => {
    const { peer, mark } = await survived(fixture, { dead: 'away', peer: 'online' })
    await peer.reap()
    assert.deepEqual((await changed(peer, mark)).users, [])
  },
  'names them also where what it left of them is forgotten before the reaping': async (fixture) => {
    const { peer, userId, mark } = await survived(fixture, { dead: 'online', peer: 'away' })
    assert.deepEqual(await peer.announce(userId, 's3', 'away'), { before: 'away', after: 'away' })
    await peer.reap()
    assert.deepEqual((await changed(peer, mark)).users, [userId])
  },
  'names who went from a process while that was taken for dead': async (fixture) => {
    const [paused, peer] = [fixture.boot(), fixture.boot()]
    const [gone, left] = [randomUUID(), randomUUID()]
    await peer.beat()
    for (const userId of [gone, left]) await paused.announce(userId, `s-${userId}`, 'online')
    await peer.announce(left, 's2', 'away')
    await outlive(fixture, [peer])
    const { mark } = await peer.changes(null)
    for (const userId of [gone, left]) await paused.withdraw(userId, `s-${userId}`)
    await paused.beat()
    assert.deepEqual((await changed(peer, mark)).users, [gone, left].sort())
  },
  'names who went with a process that left': async ({ boot }) => {
    const [presence, peer, userId] = [boot(), boot(), randomUUID()]
    await presence.announce(userId, 's1', 'online')
    const { mark } = await peer.changes(null)
    await presence.leave()
    assert.deepEqual((await changed(peer, mark)).users, [userId])
  },
} satisfies PresenceContract

type PresenceContract = Record<string, (fixture: PresenceFixture) => Promise<void>>

/** What every store of presence does. */
export const presencePortContract = { ...whileAllLive, ...whenOneDies, ...whatChanged }
