import { describe, expect, it } from 'vitest'
import { roomThatShows } from './c6-half-open.js'

const room = (id: string, ...members: string[]) => ({ id, members: new Set(members) })

describe('Whether a device that has vanished is shown as gone', () => {
  it('is looked up in a room of which its user is still a member', () => {
    const rooms = [room('removed from', 'ada', 'ben'), room('still in', 'ada', 'cem')]
    expect(roomThatShows(rooms, 'cem')?.id).toBe('still in')
    expect(roomThatShows(rooms, 'dora')).toBeUndefined()
  })
})
