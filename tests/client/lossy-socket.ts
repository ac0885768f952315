import { io } from 'socket.io-client'
import type { SocketFactory, SocketLike } from '../../apps/client/index.js'

/** What is lost between a client and its server from now on. */
export type Losses = {
  /** Whether this push is lost. */
  push: (name: string, payload: unknown) => boolean
  /** Whether the answer to this request is lost, which the server has carried out. */
  ack: (name: string, payload: unknown) => boolean
}

export const noLosses = (): Losses => ({ push: () => false, ack: () => false })

/** Real sockets over which single packets from the server are lost, which a connection alone does not do. */
export function lossySockets(losses: Losses): SocketFactory {
  return (url, options) => {
    const socket = io(url, options)
    const lossy: SocketLike = {
      get id() {
        return socket.id
      },
      get connected() {
        return socket.connected
      },
      connect: () => socket.connect(),
      disconnect: () => socket.disconnect(),
      on: (event, listener) => socket.on(event, listener as () => void),
      off: () => socket.off().offAny(),
      onAny: (listener) =>
        socket.onAny((name: string, payload: unknown) => {
          if (!losses.push(name, payload)) listener(name, payload)
        }),
      emit: (event, payload, ack) =>
        socket.emit(event, payload, (answer: unknown) => {
          if (!losses.ack(event, payload)) ack(answer)
        }),
    }
    return lossy
  }
}
