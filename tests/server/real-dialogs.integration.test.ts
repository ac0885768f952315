import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Dialog,
  type Draft,
  generatedDialogs,
  type Send,
  type Sent,
  type Speaker,
  type Stage,
  sendOnce,
  sendOver,
  setStage,
  speak,
} from '../support/dialogs.js'
import { describeWithEvalData, readDialogs } from '../support/eval-data.js'
import { type Instances, startInstances } from '../support/instances.js'
import { MemberLog, messagesOf } from '../support/member-log.js'
import { until } from '../support/person.js'
import { expectOneRecord } from '../support/room-record.js'

const LONG_MS = 240_000

let instances: Instances
beforeAll(async () => {
  instances = await startInstances(2)
})
afterAll(() => instances.stop())

type Played = { readonly stage: Stage; readonly sent: Sent[] }

/** All rooms at once, and in each all speakers at once. */
async function play(dialogs: readonly Dialog[], send: Send = sendOnce): Promise<Played[]> {
  const stages = await Promise.all(dialogs.map((dialog, shift) => setStage(dialog, instances.urls, shift)))
  return Promise.all(
    stages.map(async (stage) => {
      const spoken = await Promise.all(stage.speakers.map((speaker) => speak(stage, speaker, send)))
      return { stage, sent: spoken.flat() }
    }),
  )
}

/** Checks each room and answers how many messages they have together. */
async function checkAll(played: readonly Played[]): Promise<number> {
  let messages = 0
  let repairs = 0
  for (const { stage, sent } of played) {
    messages += await expectOneRecord(instances, stage, sent)
    for (const { log, person, texts } of stage.speakers) {
      const own = messagesOf(log.events).filter(({ senderId }) => senderId === person.userId)
      expect(own.map(({ text }) => text)).toEqual(texts)
      repairs += log.repairs
    }
  }
  // Nothing failed here, so no push may have been missing; a client would have closed the gap by itself.
  expect(repairs).toBe(0)
  return messages
}

function leaveAll(played: readonly Played[]): void {
  for (const { stage } of played) for (const { person } of stage.speakers) person.close()
}

describeWithEvalData('the rooms of real people, over two servers', 'threads/small-dev.jsonl', (path) => {
  it(
    'end with the same complete log for every member, equal to a fresh snapshot and to the tables',
    async () => {
      const dialogs = await readDialogs(path)
      const lines = dialogs.flatMap((dialog) => dialog.lines).length
      expect(lines).toBeGreaterThan(1_000)
      const played = await play(dialogs)
      const members = played.flatMap(({ stage }) => stage.speakers)
      expect(members.length).toBeGreaterThanOrEqual(3 * dialogs.length)
      expect(await checkAll(played)).toBe(lines)
      leaveAll(played)
    },
    LONG_MS,
  )
})

describe('rooms over two servers', () => {
  const dialogs = generatedDialogs(10, 3, 30)

  it(
    'end with the same complete log for every member, also for one who joins while the others talk',
    async () => {
      let late: Promise<MemberLog> | null = null
      const sendAndJoin: Send = async (speaker, draft, index) => {
        const sent = await sendOnce(speaker, draft)
        const [other] = speaker.others
        if (index === 15 && other !== undefined) late ??= MemberLog.join(other, draft.roomId)
        return sent
      }
      const played = await play(dialogs, sendAndJoin)
      expect(await checkAll(played)).toBe(900)
      const joined = await (late as Promise<MemberLog> | null)
      if (joined === null) throw new Error('nobody joined late')
      const same = played.find(({ stage }) => stage.roomId === joined.roomId)?.stage.speakers[0]?.log
      await until('the late one has the whole log', () => joined.headSeq === same?.headSeq)
      expect(joined.events).toEqual(same?.events)
      expect(joined.anomalies).toEqual([])
      leaveAll(played)
    },
    LONG_MS,
  )

  it(
    'fault C3: store a message once that is sent to both at the same time, and answer both the same',
    async () => {
      let doubled = 0
      const sendTwice: Send = async (speaker, draft) => {
        const answers = await Promise.all(
          [speaker.home, ...speaker.others].map((socket) => sendOver(socket, draft)),
        )
        expect(answers).toHaveLength(2)
        expect(answers[1]).toEqual(answers[0])
        doubled += 1
        return answers[0] as Sent
      }
      const played = await play(dialogs, sendTwice)
      expect(doubled).toBe(900)
      expect(await checkAll(played)).toBe(900)
      leaveAll(played)
    },
    LONG_MS,
  )

  it('fault C4: answer a retry at the other server with the same seq when the ack was cut off', async () => {
    const [dialog] = generatedDialogs(1, 3, 20)
    if (dialog === undefined) throw new Error('one dialog was made')
    let lost = 0
    const loseTheAck: Send = async (speaker, draft) => {
      await sendAndCut(speaker, draft)
      lost += 1
      const [other] = speaker.others
      if (other === undefined) throw new Error('there is a second server')
      const retried = await sendOver(other, draft)
      const committed = messagesOf(speaker.log.events).filter(
        ({ senderId, clientMessageId }) =>
          senderId === speaker.person.userId && clientMessageId === draft.clientMessageId,
      )
      expect(committed.map(({ id, seq }) => ({ id, seq }))).toEqual([{ id: retried.id, seq: retried.seq }])
      return retried
    }
    const played = await play([dialog], loseTheAck)
    expect(lost).toBe(60)
    expect(await checkAll(played)).toBe(60)
    leaveAll(played)
  })

  it('fault C4: store a message once whose sender is cut off at any moment and sends it again elsewhere', async () => {
    const [dialog] = generatedDialogs(1, 3, 20)
    if (dialog === undefined) throw new Error('one dialog was made')
    const cutAnywhere: Send = async (speaker, draft, index) => {
      const socket = await speaker.person.connect()
      socket.emit('message:send', draft)
      await new Promise((resolve) => setTimeout(resolve, index / 4))
      socket.io.engine.close()
      return sendOver(speaker.others[0] ?? speaker.home, draft)
    }
    const played = await play([dialog], cutAnywhere)
    expect(await checkAll(played)).toBe(60)
    leaveAll(played)
  })
})

/** Sends over a connection of its own, which is cut as soon as the message is committed. */
async function sendAndCut(speaker: Speaker, draft: Draft): Promise<void> {
  const { person, log } = speaker
  const socket = await person.connect()
  // No ack is asked for: to the sender that is the same as one that is lost.
  socket.emit('message:send', draft)
  await until('the message is committed', () =>
    messagesOf(log.events).some(
      ({ senderId, clientMessageId }) =>
        senderId === person.userId && clientMessageId === draft.clientMessageId,
    ),
  )
  socket.io.engine.close()
}
