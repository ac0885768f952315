import { createParley, type ParleyPorts, type Result } from 'parley'

function value<T, R>(result: Result<T, R>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`)
  return result.value
}

/** Two people sign up, share a room, and one sends the same message twice. Prints the log that the other one reads. */
export async function talk(ports: ParleyPorts): Promise<void> {
  const parley = createParley(ports)
  const from = { password: 'correct horse battery', userAgent: null, ip: '127.0.0.1' }
  const ada = value(await parley.signUp.execute({ ...from, email: 'ada@example.org', displayName: 'Ada' }))
  const ben = value(await parley.signUp.execute({ ...from, email: 'ben@example.org', displayName: 'Ben' }))
  const [asAda, asBen] = [ada, ben].map(({ user, loginId }) => ({ userId: user.id, loginId }))
  if (asAda === undefined || asBen === undefined) throw new Error('two actors were made')

  const room = value(await parley.createRoom.execute(asAda, { name: 'Kitchen' }))
  const { code } = value(await parley.createInvitation.execute(asAda, { roomId: room.id }))
  value(await parley.acceptInvitation.execute(asBen, { code }))
  const message = { roomId: room.id, clientMessageId: 'm-1', text: 'Dinner at seven?' }
  const sent = value(await parley.sendMessage.execute(asAda, message))
  const again = value(await parley.sendMessage.execute(asAda, message))
  if (again.message.id !== sent.message.id) throw new Error('a retry was stored as a message of its own')

  const { events } = value(await parley.syncRoom.execute(asBen, { roomId: room.id, since: 0 }))
  const lines = events.map((event) =>
    event.type === 'message.sent'
      ? `${event.seq} ${event.type} ${event.data.message.text}`
      : `${event.seq} ${event.type}`,
  )
  process.stdout.write(`${lines.join('\n')}\n`)
}
