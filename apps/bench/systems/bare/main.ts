import { serve } from '../reference.js'

/** Socket.io alone: tells the room, then answers. Nothing is stored. The limit of what can be reached on Socket.io. */
let messages = 0

serve({
  join: async () => undefined,
  send: async ({ io, roomId, senderId, text }) => {
    messages += 1
    const message = { id: messages, roomId, senderId, text }
    io.to(roomId).emit('message', message)
    return { id: message.id }
  },
})
