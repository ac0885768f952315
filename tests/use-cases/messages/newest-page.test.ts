import { describe, expect, it, vi } from 'vitest'
import { unwrap } from '../../../apps/testing/index.js'
import { openRoomWorld, say, startInMemory } from '../room-world.js'

/** A room, how often its store was asked for a page of it, and what everybody reads. */
async function openCounted() {
  const world = await openRoomWorld(startInMemory())
  const { parley, ports } = world.system
  const loads = vi.spyOn(ports.messages, 'page')
  const read = async (by = world.member) =>
    unwrap(await parley.listMessages.execute(by.actor, { roomId: world.roomId }))
  return { ...world, parley, loads, read }
}

describe('the newest page of a room', () => {
  it('is loaded once for a thousand who ask at once', async () => {
    const { loads, read, messages } = await openCounted()
    const pages = await Promise.all(Array.from({ length: 1_000 }, () => read()))
    expect(loads).toHaveBeenCalledTimes(1)
    for (const page of pages) expect(page.messages.at(-1)?.id).toBe(messages.at(-1)?.id)
  })

  it('is loaded again after each change of a message, and for nothing else', async () => {
    const { system, parley, roomId, owner, member, messages, loads, read } = await openCounted()
    await read()
    const sent = await say(system, roomId, owner, 'one more')
    expect((await read()).messages.at(-1)?.text).toBe('one more')
    unwrap(await parley.editMessage.execute(owner.actor, { messageId: sent.id, text: 'other words' }))
    expect((await read()).messages.at(-1)?.text).toBe('other words')
    unwrap(await parley.deleteMessage.execute(owner.actor, { messageId: sent.id }))
    expect((await read()).messages.at(-1)).toMatchObject({ id: sent.id, text: '' })
    const reacted = { messageId: messages.at(-1)?.id ?? '', emoji: '👍', on: true }
    unwrap(await parley.reactToMessage.execute(member.actor, reacted))
    expect((await read()).messages.at(-2)?.reactions).toEqual({ '👍': [member.user.id] })
    expect(loads).toHaveBeenCalledTimes(5)
    unwrap(await parley.updateRoom.execute(owner.actor, { roomId, name: 'Renamed' }))
    const renamed = await read()
    expect(renamed.headSeq).toBe(sent.seq + 4)
    expect(loads).toHaveBeenCalledTimes(5)
  })

  it('is nothing to whoever has left', async () => {
    const { parley, roomId, owner, member, read } = await openCounted()
    await read()
    const left = { roomId, userId: member.user.id }
    unwrap(await parley.removeMember.execute(owner.actor, left))
    expect(await parley.listMessages.execute(member.actor, { roomId })).toMatchObject({
      ok: false,
      refusal: { code: 'NOT_FOUND' },
    })
  })
})
