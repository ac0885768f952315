import { randomUUID } from 'node:crypto'
import { unwrap } from '../../../apps/testing/index.js'
import type { Actor } from '../../../core/domain/account.js'
import type { Message } from '../../../core/domain/message.js'
import type { MessagePage } from '../../../core/ports/message-repo-port.js'
import { PASSWORD } from '../../support/person.js'
import type { Deployment, Member } from './deployment.js'

export type Person = { readonly actor: Actor & { readonly loginId: string }; readonly accessToken: string }

export async function newcomer({ parley }: Member, displayName: string): Promise<Person> {
  const email = `${randomUUID()}@example.org`
  const from = { userAgent: null, ip: '127.0.0.1' }
  const signedUp = await parley.signUp.execute({ email, password: PASSWORD, displayName, ...from })
  const { user, loginId, accessToken } = unwrap(signedUp)
  return { actor: { userId: user.id, loginId }, accessToken }
}

export async function say({ parley }: Member, roomId: string, { actor }: Person, text: string) {
  const input = { roomId, clientMessageId: randomUUID(), text }
  return unwrap(await parley.sendMessage.execute(actor, input)).message
}

/** Two people in a room that all follow, with a message. */
export type Home = {
  readonly roomId: string
  readonly owner: Person
  readonly guest: Person
  readonly first: Message
  readonly read: (by: Member, minSeq?: number) => Promise<MessagePage>
}

export async function openHome({ one, other }: Deployment): Promise<Home> {
  const { parley } = one
  const [owner, guest] = [await newcomer(one, 'Olive'), await newcomer(one, 'Gus')]
  const roomId = unwrap(await parley.createRoom.execute(owner.actor, { name: 'Home' })).id
  const { code } = unwrap(await parley.createInvitation.execute(owner.actor, { roomId, role: 'member' }))
  unwrap(await parley.acceptInvitation.execute(guest.actor, { code }))
  const first = await say(one, roomId, owner, 'the first')
  for (const member of [one, other]) await member.parley.roomFeed.track(roomId)
  const read: Home['read'] = async (by, minSeq) =>
    unwrap(
      await by.parley.listMessages.execute(owner.actor, {
        roomId,
        ...(minSeq === undefined ? {} : { minSeq }),
      }),
    )
  return { roomId, owner, guest, first, read }
}
