import { setTimeout as sleep } from 'node:timers/promises'
import type { Instance } from './parts.js'
import type { Account } from './workload/account.js'
import type { Device } from './workload/device.js'
import type { RoomRecord } from './workload/rooms.js'
import { ONCE } from './workload/try-http.js'

const LOOK_EVERY_MS = 250

/** Waits until every client is online, has all of its rooms, and has nothing left to send. Says what is missing at the end. */
export async function settle(devices: readonly Device[], withinMs: number): Promise<readonly string[]> {
  const deadlineMs = performance.now() + withinMs
  for (;;) {
    const missing = devices.flatMap(unsettled)
    if (missing.length === 0 || performance.now() > deadlineMs) return missing
    await sleep(LOOK_EVERY_MS)
  }
}

function unsettled(device: Device): string[] {
  const { status, error } = device.client.connection.getSnapshot()
  if (!device.isSignedIn) return [`${device.name} is signed out`]
  if (!device.isOnline) return [`${device.name} is ${status} at ${device.at.name}: ${error?.message ?? ''}`]
  const rooms = [...device.rooms.values()].flatMap((handle) => {
    const room = handle.getSnapshot()
    return room.status === 'live' ? [] : [`${device.name} is ${room.status} in ${handle.roomId}`]
  })
  const unsent = device.client.outbox
    .getSnapshot()
    .filter(({ state }) => state === 'queued' || state === 'sending')
  return [...rooms, ...unsent.map(({ clientMessageId }) => `${device.name} has not sent ${clientMessageId}`)]
}

type Shown = {
  readonly members: readonly { readonly userId: string; readonly state: string }[]
  readonly partial: boolean
}

/** Waits until every instance shows of every room who is really there; how long that took, or null. */
export async function presenceConverges(
  rooms: readonly RoomRecord[],
  instances: readonly Instance[],
  devicesOf: (account: Account) => readonly Device[],
  withinMs: number,
): Promise<number | null> {
  const startedMs = performance.now()
  for (;;) {
    const isRight = await Promise.all(
      instances.flatMap((at) => rooms.map((room) => isShownRight(room, at, devicesOf))),
    )
    if (isRight.every(Boolean)) return performance.now() - startedMs
    if (performance.now() - startedMs > withinMs) return null
    await sleep(1_000)
  }
}

async function isShownRight(
  { id, owner, members }: RoomRecord,
  at: Instance,
  devicesOf: (account: Account) => readonly Device[],
): Promise<boolean> {
  const headers = { ...ONCE, authorization: `Bearer ${owner.login.accessToken}` }
  const response = await fetch(`${at.url}/api/v1/rooms/${id}/presence`, {
    headers,
    signal: AbortSignal.timeout(10_000),
  }).catch(() => null)
  if (!response?.ok) return false
  const { members: shown, partial } = (await response.json()) as Shown
  const online = new Set(shown.filter(({ state }) => state !== 'offline').map(({ userId }) => userId))
  return (
    !partial &&
    [...members].every(
      (account) => devicesOf(account).some(({ isOnline }) => isOnline) === online.has(account.userId),
    )
  )
}
