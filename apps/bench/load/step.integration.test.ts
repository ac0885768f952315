import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { afterEach, describe, expect, it } from 'vitest'
import { failureOf } from '../sustained-rate.js'
import { gather, type Present } from './crowd.js'
import type { Crowd } from './protocol.js'
import { Step } from './step.js'
import { Bodies } from './words.js'

type Ack = (answer: unknown) => void
type Message = { readonly roomId: string; readonly text: string }

/** What a server does with the message of this number; `deliver` tells its room. */
type Behaviour = (number: number, deliver: () => void, ack: Ack) => void

const MEMBERS = [0, 1, 2]
const PLAN = {
  number: 3,
  perSecond: 400,
  durationMs: 250,
  senders: [{ client: 0, room: 0 }],
  serverPid: process.pid,
}
const open: { io: Server; present: readonly Present[] }[] = []

afterEach(async () => {
  for (const { io, present } of open.splice(0)) {
    for (const { socket } of present) socket.close()
    await io.close()
  }
})

/** Runs a step against a real Socket.io server that behaves so. */
async function stepAgainst(behaviour: Behaviour) {
  const http = createServer()
  const io = new Server(http, { perMessageDeflate: false })
  let messages = 0
  io.on('connection', (socket) => {
    socket.on('room:join', async ({ roomId }: Message, ack: Ack) => {
      await socket.join(roomId)
      ack({ ok: true })
    })
    socket.on('message:send', ({ roomId, text }: Message, ack: Ack) => {
      messages += 1
      behaviour(messages, () => io.to(roomId).emit('message', { text }), ack)
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const crowd: Crowd = {
    urls: [url],
    roomIds: ['room'],
    clients: MEMBERS.map(() => ({ token: 't', rooms: [0] })),
  }
  const present = await gather(crowd)
  open.push({ io, present })
  const sockets = present.map(({ socket }) => socket)
  return new Step(PLAN, crowd, sockets, new Bodies()).run()
}

describe('a step of the load', () => {
  it('counts every ack and every delivery of an honest server', async () => {
    const step = await stepAgainst((_number, deliver, ack) => {
      deliver()
      ack({ ok: true })
    })
    expect(step).toMatchObject({ sent: 100, acked: 100, delivered: 300, expectedDeliveries: 300, surplus: 0 })
    expect(step.ackMs.p50).toBeGreaterThan(0)
    expect(step.ackFromWriteMs.p50).toBeLessThanOrEqual(step.ackMs.p50)
  })

  it.each<[string, Behaviour]>([
    [
      'loses a delivery',
      (number, deliver, ack) => {
        if (number !== 50) deliver()
        ack({ ok: true })
      },
    ],
    [
      'delivers twice',
      (number, deliver, ack) => {
        deliver()
        if (number === 50) deliver()
        ack({ ok: true })
      },
    ],
    [
      'refuses',
      (number, deliver, ack) => {
        if (number === 50) return ack({ ok: false, error: 'no' })
        deliver()
        ack({ ok: true })
      },
    ],
    [
      'forgets an ack',
      (number, deliver, ack) => {
        deliver()
        if (number !== 50) ack({ ok: true })
      },
    ],
    [
      'is late',
      (_number, deliver, ack) => {
        deliver()
        setTimeout(() => ack({ ok: true }), 150)
      },
    ],
  ])(
    'does not pass a server that %s',
    async (_flaw, behaviour) => {
      expect(failureOf(await stepAgainst(behaviour))).not.toBeNull()
    },
    30_000,
  )
})
