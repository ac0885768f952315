import type { Scene } from '../arena.js'

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** One room in which a few talk and all listen. */
export function oneRoom(members: number, senders: number): Scene {
  return {
    people: members,
    rooms: [range(members)],
    senders: range(senders).map((client) => ({ client, room: 0 })),
  }
}

/** Rooms of two, in each of which one talks. */
export function pairs(rooms: number): Scene {
  return {
    people: rooms * 2,
    rooms: range(rooms).map((room) => [room * 2, room * 2 + 1]),
    senders: range(rooms).map((room) => ({ client: room * 2, room })),
  }
}

/** Everyone in one room, so many in each. */
export function roomsOf(people: number, size: number): number[][] {
  return range(Math.ceil(people / size)).map((room) =>
    range(Math.min(size, people - room * size)).map((member) => room * size + member),
  )
}
