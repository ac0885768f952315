/** Messages of a room that are counted together: a sender's first in each is in the index `messages_by_sender_block`. */
const BLOCK = 64

/** The block of the message that is the `ordinal`th of its room, from 1. */
export const blockOf = (ordinal: number): number => Math.floor((ordinal - 1) / BLOCK)
