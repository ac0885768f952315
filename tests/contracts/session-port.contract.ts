import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { LoginId } from '../../core/domain/ids.js'
import type { LiveSession, SessionPort } from '../../core/ports/session-port.js'

export type SessionFixture = {
  readonly sessions: SessionPort
  /** The same sessions as another process sees them. */
  readonly peer: SessionPort
  /** A login that has not ended. */
  readonly openLogin: () => Promise<Pick<LiveSession, 'userId' | 'loginId'>>
  readonly endLogin: (loginId: LoginId) => Promise<void>
}

const newSession = async ({ openLogin }: SessionFixture): Promise<LiveSession> => ({
  socketId: randomUUID(),
  connectedAtMs: 1_700_000_000_123,
  ...(await openLogin()),
})

/** What every store of live sessions does. */
export const sessionPortContract = {
  'finds a session by its socket, in every process': async (fixture) => {
    const { sessions, peer } = fixture
    const session = await newSession(fixture)
    await sessions.put(session)
    assert.deepEqual(await sessions.find(session.socketId), session)
    assert.deepEqual(await peer.find(session.socketId), session)
  },
  'answers null for a socket that it does not know': async ({ sessions }) => {
    assert.equal(await sessions.find(randomUUID()), null)
    assert.equal(await sessions.find('__proto__'), null)
  },
  'keeps the sessions of several sockets of one login apart': async (fixture) => {
    const { sessions } = fixture
    const first = await newSession(fixture)
    const second = { ...first, socketId: randomUUID(), connectedAtMs: first.connectedAtMs + 1 }
    await sessions.put(first)
    await sessions.put(second)
    assert.deepEqual(await sessions.find(first.socketId), first)
    await sessions.remove(first.socketId)
    assert.equal(await sessions.find(first.socketId), null)
    assert.deepEqual(await sessions.find(second.socketId), second)
  },
  'replaces the session of a socket that is put again': async (fixture) => {
    const { sessions, peer } = fixture
    const first = await newSession(fixture)
    const second = { ...(await newSession(fixture)), socketId: first.socketId }
    await sessions.put(first)
    await sessions.put(second)
    assert.deepEqual(await peer.find(first.socketId), second)
  },
  'forgets a removed session in every process, and removing it again changes nothing': async (fixture) => {
    const { sessions, peer } = fixture
    const session = await newSession(fixture)
    await sessions.put(session)
    await sessions.remove(session.socketId)
    await sessions.remove(session.socketId)
    assert.equal(await sessions.find(session.socketId), null)
    assert.equal(await peer.find(session.socketId), null)
  },
  'answers null once the login has ended, and only for that login (pitfall 2)': async (fixture) => {
    const { sessions, peer, endLogin } = fixture
    const ended = await newSession(fixture)
    const other = await newSession(fixture)
    await sessions.put(ended)
    await sessions.put(other)
    await endLogin(ended.loginId)
    assert.equal(await sessions.find(ended.socketId), null)
    assert.equal(await peer.find(ended.socketId), null)
    assert.deepEqual(await peer.find(other.socketId), other)
  },
  'does not let an ended login in by putting its session again (pitfall 2)': async (fixture) => {
    const { sessions, peer, endLogin } = fixture
    const session = await newSession(fixture)
    await endLogin(session.loginId)
    await sessions.put(session)
    assert.equal(await sessions.find(session.socketId), null)
    assert.equal(await peer.find(session.socketId), null)
  },
} satisfies Record<string, (fixture: SessionFixture) => Promise<void>>
