import { createClient, memoryStorage, ParleyError, type RoomSnapshot } from 'parley/client'

const { EMBEDDER_SERVER_URL: url } = process.env
if (url === undefined) throw new Error('EMBEDDER_SERVER_URL is not set')

/** Signs up, talks to itself, and prints what the room shows. */
const client = createClient({ url, storage: memoryStorage() })
const email = `ada.${Date.now()}@example.org`
await client.signUp({ email, password: 'correct horse battery', displayName: 'Ada' })
const { id } = await client.createRoom({ name: 'Kitchen' })
const room = client.openRoom(id)
await room.ready()
const { outcome } = await room.send('Dinner at seven?')
const { status } = await outcome
const snapshot: RoomSnapshot = room.getSnapshot()
const refusal = await client.acceptInvitation('unknown').catch((error: unknown) => error)
process.stdout.write(`${status}\n`)
process.stdout.write(`${snapshot.members.map(({ displayName }) => displayName).join(', ')}\n`)
process.stdout.write(`${refusal instanceof ParleyError ? refusal.code : String(refusal)}\n`)
await client.close()
