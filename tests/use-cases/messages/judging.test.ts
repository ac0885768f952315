import { describe, expect, it } from 'vitest'
import { AlwaysDeliver } from '../../../adapters/mediator/index.js'
import { createTestSystem, type TestUser, unwrap } from '../../../apps/testing/index.js'
import type { Room } from '../../../core/domain/room.js'
import type { Draft, MediatorPort } from '../../../core/ports/mediator-port.js'

/** A room of Olive's, and every text that was read before others did. */
async function openRoom(mediation: Room['mediation']) {
  const judged: string[] = []
  const always = new AlwaysDeliver()
  const mediator: MediatorPort = {
    judge: async (draft: Draft) => {
      judged.push(draft.text)
      return always.judge()
    },
  }
  const system = createTestSystem({ ports: { mediator } })
  const { parley, ids } = system
  const [olive, eve] = [await system.signUpUser('Olive'), await system.signUpUser('Eve')]
  const { id: roomId } = unwrap(await parley.createRoom.execute(olive.actor, { name: 'Home', mediation }))
  const send = (who: TestUser, text: string) =>
    parley.sendMessage.execute(who.actor, { roomId, clientMessageId: ids.next(), text })
  return { parley, roomId, olive, eve, judged, send }
}

describe('the mediator', () => {
  it('reads what a member sends and edits', async () => {
    const { parley, olive, judged, send } = await openRoom('hold')
    const { message } = unwrap(await send(olive, 'first'))
    const edited = unwrap(
      await parley.editMessage.execute(olive.actor, { messageId: message.id, text: 'second' }),
    )
    expect(judged).toEqual(['first', 'second'])
    expect(edited.message.mediation).toEqual({ outcome: 'clear' })
  })

  it('reads nothing of those who are not members', async () => {
    const { parley, olive, eve, judged, send } = await openRoom('hold')
    const { message } = unwrap(await send(olive, 'first'))
    const refused = [
      await send(eve, 'let me in'),
      await parley.editMessage.execute(eve.actor, { messageId: message.id, text: 'mine' }),
    ]
    for (const result of refused) expect(result).toMatchObject({ ok: false, refusal: { code: 'NOT_FOUND' } })
    expect(judged).toEqual(['first'])
  })

  it('reads nothing in a room without mediation', async () => {
    const { parley, olive, judged, send } = await openRoom('off')
    const { message } = unwrap(await send(olive, 'first'))
    const edited = unwrap(
      await parley.editMessage.execute(olive.actor, { messageId: message.id, text: 'second' }),
    )
    expect(judged).toEqual([])
    expect([message.mediation, edited.message.mediation]).toEqual([null, null])
  })

  it('reads a text that came in before mediation was turned on, and was written after it', async () => {
    const { parley, ports, olive, roomId, judged, turnOn } = await openRoomThatTurnsOn()
    const send = (clientMessageId: string, text: string) =>
      parley.sendMessage.execute(olive.actor, { roomId, clientMessageId, text })
    const { message: early } = unwrap(await send('one', 'first'))
    expect([early.mediation, judged]).toEqual([null, []])

    turnOn()
    const { message: late } = unwrap(await send('two', 'second'))
    expect((await ports.rooms.access(roomId, olive.user.id))?.room.mediation).toBe('hold')
    expect([late.mediation, judged]).toEqual([{ outcome: 'clear' }, ['second']])
    expect(late.seq).toBe(early.seq + 2)
  })

  it('reads an edit that came in before mediation was turned on', async () => {
    const { parley, olive, roomId, judged, turnOn } = await openRoomThatTurnsOn()
    const sent = { roomId, clientMessageId: 'one', text: 'first' }
    const { message } = unwrap(await parley.sendMessage.execute(olive.actor, sent))
    turnOn()
    const edit = { messageId: message.id, text: 'second' }
    const edited = unwrap(await parley.editMessage.execute(olive.actor, edit))
    expect([edited.message.mediation, judged]).toEqual([{ outcome: 'clear' }, ['second']])
  })
})

/** A room without mediation, which another process turns on, once told so, right after a sender was let in. */
async function openRoomThatTurnsOn() {
  const first = createTestSystem()
  const olive = await first.signUpUser('Olive')
  const { id: roomId } = unwrap(
    await first.parley.createRoom.execute(olive.actor, { name: 'Home', mediation: 'off' }),
  )
  let turnsOn = false
  const { rooms } = first.ports
  const turning: typeof rooms = Object.assign(Object.create(rooms) as typeof rooms, {
    access: async (...args: Parameters<typeof rooms.access>) => {
      const access = await rooms.access(...args)
      if (turnsOn) unwrap(await first.parley.updateRoom.execute(olive.actor, { roomId, mediation: 'hold' }))
      return access
    },
  })
  const judged: string[] = []
  const mediator: MediatorPort = {
    judge: async (draft: Draft) => {
      judged.push(draft.text)
      return new AlwaysDeliver().judge()
    },
  }
  const { parley } = createTestSystem({ shared: first.shared, ports: { rooms: turning, mediator } })
  const turnOn = (): void => {
    turnsOn = true
  }
  return { parley, ports: first.ports, olive, roomId, judged, turnOn }
}
