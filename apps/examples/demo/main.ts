import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CONVERSATION, type Speaker, type Step } from './conversation.js'
import { Person } from './person.js'
import { startServer } from './server-process.js'

const { values } = parseArgs({ options: { pace: { type: 'string', default: '1' } } })

/** 1 = as people type; 0 = at once. */
const pace = Number(values.pace)
if (!(pace >= 0)) throw new Error('--pace must be a number of at least 0')

const print = (who: string) => (line: string) => console.log(`${`${who} sees`.padEnd(10)} | ${line}`)

async function play(step: Step, person: Person, roomId: string, index: number, named: Map<string, string>) {
  if ('say' in step) {
    const replyTo = step.replyTo === undefined ? {} : { replyTo: named.get(step.replyTo) }
    const payload = { roomId, clientMessageId: `demo-${index}`, text: step.say, ...replyTo }
    const { message } = await person.emit('message:send', payload)
    if (step.as !== undefined) named.set(step.as, (message as { id: string }).id)
  } else if ('edit' in step) {
    await person.emit('message:edit', { messageId: named.get(step.edit), text: step.text })
  } else if ('react' in step) {
    await person.emit('message:react', { messageId: named.get(step.react), emoji: step.emoji, on: true })
  } else if ('erase' in step) {
    await person.emit('message:delete', { messageId: named.get(step.erase) })
  } else {
    await person.emit('message:read', { roomId, seq: person.seen })
  }
}

async function main(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-demo-'))
  // Run by root, the database has an account of its own, which must be able to pass; else it would be kept elsewhere.
  await chmod(dataDir, 0o711)
  const server = await startServer(dataDir)
  console.log(`A server with an empty database of its own runs at ${server.url}`)
  try {
    const people = {
      Nora: await Person.signUp(server.url, 'Nora', print('Nora')),
      Sam: await Person.signUp(server.url, 'Sam', print('Sam')),
    } satisfies Record<Speaker, Person>
    const { Nora, Sam } = people
    const { room } = await Nora.call('/rooms', { name: 'Mia', kind: 'direct' })
    const roomId = (room as { id: string }).id
    const { code } = await Nora.call(`/rooms/${roomId}/invitations`, {})
    await Sam.call(`/invitations/${code}/accept`, {})
    const names = new Map([Nora, Sam].map((person) => [person.userId, person.name]))
    await Promise.all([Nora.join(roomId, names), Sam.join(roomId, names)])
    console.log('Nora and Sam are in their room.\n')

    const named = new Map<string, string>()
    for (const [index, step] of CONVERSATION.entries()) {
      await sleep(step.pauseMs * pace)
      await play(step, people[step.who], roomId, index, named)
    }
    const { headSeq } = await Nora.emit('room:sync', { roomId, since: 0 })
    while (Nora.seen < (headSeq as number) || Sam.seen < (headSeq as number)) await sleep(20)
    console.log(`\nBoth have seen the same ${headSeq} events, in the same order.`)
    Nora.leave()
    Sam.leave()
  } finally {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

await main()
