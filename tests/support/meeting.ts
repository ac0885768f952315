import type { Socket } from 'socket.io-client'
import { call, expectOk, Person } from './person.js'

/** Two people at two instances, in a room of theirs. */
export async function meet([here = '', there = '']: readonly string[]) {
  const [ada, ben] = await Promise.all([Person.signUp(here, 'Ada'), Person.signUp(there, 'Ben')])
  const roomId = await ada.createRoom()
  await ada.invite(roomId, ben)
  const [atAda, atBen] = await Promise.all([ada.connect(), ben.connect()])
  await expectOk(call(atAda, 'room:join', { roomId }))
  await expectOk(call(atBen, 'room:join', { roomId }))
  return { ada, ben, atAda, atBen, roomId }
}

/** The texts that a socket is sent, from now on. */
export const textsAt = (socket: Socket): string[] => {
  const texts: string[] = []
  socket.on(
    'room:events',
    ({ events }: { events: { type: string; data: { message?: { text: string } } }[] }) => {
      for (const { data } of events) if (data.message !== undefined) texts.push(data.message.text)
    },
  )
  return texts
}
