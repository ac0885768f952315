import { type Json, Person, request } from '../../support/person.js'

/** Everyone of the role table, and those who stand outside of it. */
export const STANDINGS = [
  'owner',
  'moderator',
  'member',
  'observer',
  'former member',
  'non-member',
  'anonymous',
] as const
export type Standing = (typeof STANDINGS)[number]

/** `bystander` is a plain member to whom things are done. */
export type CastName = Exclude<Standing, 'anonymous'> | 'bystander'
export type Cast = Readonly<Record<CastName, Person>>

/** Who once belonged to the room, in order of joining; all but the owner came by invitation as this role. */
const GUESTS = {
  moderator: 'moderator',
  member: 'member',
  observer: 'member',
  'former member': 'member',
  bystander: 'member',
} as const satisfies Partial<Record<CastName, string>>

export const ADMIN_TOKEN = 'operator-7f3a91c05d2e48b6a1937cde'

export type Scene = {
  readonly url: string
  readonly cast: Cast
  readonly roomId: string
  /** An open invitation to the room. */
  readonly code: string
  /** A message of each who could write at some time; the observer and the former member wrote as members. */
  readonly messages: Readonly<Record<Exclude<CastName, 'non-member'>, string>>
}

export async function signUpCast(url: string): Promise<Cast> {
  const names: readonly CastName[] = ['owner', ...(Object.keys(GUESTS) as CastName[]), 'non-member']
  const people = await Promise.all(names.map(async (name) => [name, await Person.signUp(url, name)] as const))
  return Object.fromEntries(people) as Record<CastName, Person>
}

/** A room of its own in which everybody has the standing of their name. */
export async function makeScene(cast: Cast, url = cast.owner.url): Promise<Scene> {
  const { owner } = cast
  const roomId = await owner.createRoom()
  const invite = async (role: string) => {
    const { code } = await done(owner, 'POST', `/rooms/${roomId}/invitations`, { role, maxUses: 20 })
    return String(code)
  }
  const codes = { moderator: await invite('moderator'), member: await invite('member') }
  const guests = Object.entries(GUESTS) as [keyof typeof GUESTS, 'moderator' | 'member'][]
  await Promise.all(
    guests.map(([name, role]) => done(cast[name], 'POST', `/invitations/${codes[role]}/accept`, {})),
  )
  const writers = ['owner', ...guests.map(([name]) => name)] as const
  const messages = await Promise.all(
    writers.map(async (name) => [name, await say(cast[name], roomId, `said by the ${name}`)] as const),
  )
  await Promise.all([
    done(owner, 'PATCH', `/rooms/${roomId}/members/${cast.observer.userId}`, { role: 'observer' }),
    done(owner, 'DELETE', `/rooms/${roomId}/members/${cast['former member'].userId}`),
  ])
  return {
    url,
    cast,
    roomId,
    code: codes.member,
    messages: Object.fromEntries(messages) as Scene['messages'],
  }
}

/** A call that is part of the preparation: anything but success is an error. */
export async function done(who: Person, method: string, path: string, body?: Json): Promise<Json> {
  const answer = await who.http(method, path, body)
  if (answer.status >= 300)
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

let sent = 0

/** Sends a message and answers its id. */
export async function say(who: Person, roomId: string, text: string): Promise<string> {
  sent += 1
  const body = { clientMessageId: `said-${sent}`, text }
  const { message } = await done(who, 'POST', `/rooms/${roomId}/messages`, body)
  return (message as { id: string }).id
}

export const asAdministrator = (url: string, method: string, path: string, body?: Json) =>
  request(url, method, `/api/v1/admin${path}`, {
    token: ADMIN_TOKEN,
    ...(body === undefined ? {} : { body }),
  })

export function closeCast(cast: Cast): void {
  for (const person of Object.values(cast)) person.close()
}
