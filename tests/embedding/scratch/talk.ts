import { createParley, type Parley, type ParleyPorts, type Result } from 'parley'

export function accepted<T, R>(result: Result<T, R>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`)
  return result.value
}

/** The actor of a new account. */
export async function signUp(parley: Parley, displayName: string) {
  const from = { password: 'correct horse battery', userAgent: null, ip: '127.0.0.1' }
  const email = `${displayName.toLowerCase()}@example.org`
  const { user, loginId } = accepted(await parley.signUp.execute({ ...from, email, displayName }))
  return { userId: user.id, loginId }
}

/** Two people sign up, share a room, and one sends the same message twice. Prints the log that the other one reads. */
export async function talk(ports: ParleyPorts): Promise<void> {
  const parley = createParley(ports)
  const [asAda, asBen] = [await signUp(parley, 'Ada'), await signUp(parley, 'Ben')]

  const room = accepted(await parley.createRoom.execute(asAda, { name: 'Kitchen' }))
  const { code } = accepted(await parley.createInvitation.execute(asAda, { roomId: room.id }))
  accepted(await parley.acceptInvitation.execute(asBen, { code }))
  const message = { roomId: room.id, clientMessageId: 'm-1', text: 'Dinner at seven?' }
  const sent = accepted(await parley.sendMessage.execute(asAda, message))
  const again = accepted(await parley.sendMessage.execute(asAda, message))
  if (again.message.id !== sent.message.id) throw new Error('a retry was stored as a message of its own')

  const { events } = accepted(await parley.syncRoom.execute(asBen, { roomId: room.id, since: 0 }))
  const lines = events.map((event) =>
    event.type === 'message.sent'
      ? `${event.seq} ${event.type} ${event.data.message.text}`
      : `${event.seq} ${event.type}`,
  )
  process.stdout.write(`${lines.join('\n')}\n`)
}
