import { createClient, type RoomHandle, type RoomSnapshot } from '../../client/index.js'

const url = process.argv[2] ?? 'http://127.0.0.1:3000'
const password = 'a long and quiet sentence'
const unique = Date.now()

/** Resolves with the room as soon as it looks as it should. */
function when(room: RoomHandle, check: (snapshot: RoomSnapshot) => boolean): Promise<RoomSnapshot> {
  return new Promise((resolve) => {
    const look = () => {
      if (!check(room.getSnapshot())) return
      stop()
      resolve(room.getSnapshot())
    }
    const stop = room.subscribe(look)
    look()
  })
}

const nora = createClient({ url })
const sam = createClient({ url })
await nora.signUp({ email: `nora.${unique}@example.org`, password, displayName: 'Nora' })
await sam.signUp({ email: `sam.${unique}@example.org`, password, displayName: 'Sam' })

const { id } = await nora.createRoom({ name: 'Saturday' })
const { code } = await nora.invite(id)
await sam.acceptInvitation(code)

const norasRoom = nora.openRoom(id)
const samsRoom = sam.openRoom(id)
await Promise.all([norasRoom.ready(), samsRoom.ready()])

const question = await norasRoom.send('Can you take Mia on Saturday?')
const sent = await question.outcome
if (sent.status !== 'delivered') throw new Error(`not delivered: ${sent.status}`)
await norasRoom.edit(sent.message.id, 'Can you take Mia on Saturday at ten?')

await when(samsRoom, ({ messages }) => messages[0]?.editedAt != null)
await samsRoom.react(sent.message.id, '👍')
await samsRoom.send('Yes, at ten. I bring her back on Sunday.')
await samsRoom.markRead()

const { messages, members, headSeq } = await when(norasRoom, (room) => room.messages.length === 2)
const nameOf = (userId: string) => members.find((member) => member.userId === userId)?.displayName
for (const { senderId, text, reactions } of messages)
  console.log(`${nameOf(senderId)}: ${text} ${Object.keys(reactions).join(' ')}`.trimEnd())
console.log(`Every event up to ${headSeq} is here.`)

await Promise.all([nora.signOut(), sam.signOut()])
await Promise.all([nora.close(), sam.close()])
