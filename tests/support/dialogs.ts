import type { Socket } from 'socket.io-client'
import { MemberLog } from './member-log.js'
import { call, expectOk, Person } from './person.js'

/** Who says what in a room, in order. */
export type Dialog = {
  readonly name: string
  readonly lines: readonly { readonly speaker: string; readonly text: string }[]
}

export type Speaker = {
  readonly person: Person
  /** The instance that they talk to. */
  readonly home: Socket
  /** Further sockets of the same person, one at each other instance. */
  readonly others: readonly Socket[]
  readonly log: MemberLog
  readonly texts: readonly string[]
}

export type Stage = { readonly roomId: string; readonly speakers: readonly Speaker[] }

export type Sent = {
  readonly id: string
  readonly seq: number
  readonly clientMessageId: string
  readonly text: string
  readonly senderId: string
}

/** Rooms that are made from generated lines, of some hundred characters, in several scripts. */
export function generatedDialogs(rooms: number, speakers: number, linesEach: number): Dialog[] {
  const words = [
    'Saturday',
    'boots',
    'pick-up',
    'Zürich',
    'ещё',
    '明日',
    '👩‍👧 ok',
    'e\u0301',
    'at 9:15',
    '\n',
  ]
  const text = (room: number, line: number) =>
    Array.from(
      { length: 3 + ((room + line) % 12) },
      (_, i) => words[(room * 7 + line * 3 + i) % words.length],
    )
  return Array.from({ length: rooms }, (_, room) => ({
    name: `generated ${room}`,
    lines: Array.from({ length: speakers * linesEach }, (_, line) => ({
      speaker: `speaker ${line % speakers}`,
      text: `${line}: ${text(room, line).join(' ')}`,
    })),
  }))
}

/** Signs the speakers of a dialog up, spreads them over the instances and lets everyone listen. */
export async function setStage(dialog: Dialog, urls: readonly string[], shift: number): Promise<Stage> {
  const names = [...new Set(dialog.lines.map(({ speaker }) => speaker))]
  const urlOf = (index: number): string => urls[(index + shift) % urls.length] ?? ''
  const people = await Promise.all(names.map((name, index) => Person.signUp(urlOf(index), name)))
  const [owner, ...guests] = people
  if (owner === undefined) throw new Error('a dialog needs a speaker')
  const roomId = await owner.createRoom({ name: dialog.name })
  for (const guest of guests) await owner.invite(roomId, guest)
  const speakers = await Promise.all(
    people.map(async (person, index) => {
      const home = await person.connect(urlOf(index))
      const others = await Promise.all(
        urls.filter((url) => url !== urlOf(index)).map((url) => person.connect(url)),
      )
      const texts = dialog.lines.filter(({ speaker }) => speaker === names[index]).map(({ text }) => text)
      return { person, home, others, log: await MemberLog.join(home, roomId), texts }
    }),
  )
  return { roomId, speakers }
}

/** Says all lines of a speaker, each after the ack of the one before. */
export async function speak(stage: Stage, speaker: Speaker, send: Send = sendOnce): Promise<Sent[]> {
  const sent: Sent[] = []
  for (const [index, text] of speaker.texts.entries())
    sent.push(await send(speaker, { roomId: stage.roomId, clientMessageId: `line-${index}`, text }, index))
  return sent
}

export type Draft = { readonly roomId: string; readonly clientMessageId: string; readonly text: string }
export type Send = (speaker: Speaker, draft: Draft, index: number) => Promise<Sent>

export const sendOnce = (speaker: Speaker, draft: Draft): Promise<Sent> => sendOver(speaker.home, draft)

export async function sendOver(socket: Socket, draft: Draft): Promise<Sent> {
  const { status, message } = await expectOk(call(socket, 'message:send', draft))
  if (status !== 'delivered') throw new Error(`expected delivery, got ${String(status)}`)
  return message as Sent
}
