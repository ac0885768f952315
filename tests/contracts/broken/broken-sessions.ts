import { randomUUID } from 'node:crypto'
import { MemorySessions } from '../../../adapters/memory/memory-sessions.js'
import type { SocketId } from '../../../core/domain/ids.js'
import type { LiveSession, SessionPort } from '../../../core/ports/session-port.js'
import type { SessionFixture } from '../session-port.contract.js'
import { brokenBy } from './broken-by.js'

const broken = (change: (sound: SessionPort) => Partial<SessionPort>) => (): SessionFixture => {
  const ended = new Set<string>()
  const sound = new MemorySessions((loginId) => ended.has(loginId))
  const sessions = brokenBy<SessionPort>(sound, change(sound))
  return {
    sessions,
    peer: sessions,
    openLogin: async () => ({ userId: randomUUID(), loginId: randomUUID() }),
    endLogin: async (loginId) => void ended.add(loginId),
  }
}

/** Knows only the sockets of its own process. */
const knowsItsOwnOnly = (): SessionFixture => ({
  ...broken(() => ({}))(),
  peer: new MemorySessions(() => false),
})

/** Looks whether the login has ended when the session is put, and never again. */
const asksOnce = broken((sound) => {
  const admitted = new Map<SocketId, LiveSession>()
  return {
    put: async (session) => {
      await sound.put(session)
      if ((await sound.find(session.socketId)) !== null) admitted.set(session.socketId, session)
    },
    find: async (socketId) => admitted.get(socketId) ?? null,
    remove: async (socketId) => void admitted.delete(socketId),
  }
})

export const brokenSessions: Readonly<Record<string, () => SessionFixture>> = {
  knowsItsOwnOnly,
  asksOnce,
  neverLooksWhetherALoginEnded: () => ({ ...broken(() => ({}))(), endLogin: async () => undefined }),
  removesNothing: broken(() => ({ remove: async () => undefined })),
  keepsTheFirst: broken((sound) => ({
    put: async (session) => {
      if ((await sound.find(session.socketId)) === null) await sound.put(session)
    },
  })),
  keepsOneALogin: broken((sound) => {
    const byLogin = new Map<string, SocketId>()
    return {
      put: async (session) => {
        await sound.remove(byLogin.get(session.loginId) ?? '')
        byLogin.set(session.loginId, session.socketId)
        await sound.put(session)
      },
    }
  }),
  findsAnything: broken((sound) => ({
    find: async (socketId) =>
      (await sound.find(socketId)) ?? { socketId, userId: '', loginId: '', connectedAtMs: 0 },
  })),
}
