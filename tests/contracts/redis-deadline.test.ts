import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { withinDeadline } from '../../adapters/redis/deadline.js'

it('gives up what has not ended by its deadline', async () => {
  const startedMs = performance.now()
  await expect(withinDeadline(50, new Promise(() => undefined))).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(45)
})

it('passes on what ends before it, answer or error', async () => {
  expect(await withinDeadline(5_000, Promise.resolve(7))).toBe(7)
  await expect(withinDeadline(5_000, Promise.reject(new RangeError('seven')))).rejects.toThrow('seven')
})

it('lets nothing that fails after it end the process', async () => {
  const failing = sleep(30).then(() => Promise.reject(new Error('late')))
  await expect(withinDeadline(5, failing)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await sleep(60)
})

it('takes an answer for one in time that lay unread while this process was busy', async () => {
  const server = createServer((socket) =>
    socket.on('data', () => {
      socket.write('seven')
      const untilMs = performance.now() + 700
      while (performance.now() < untilMs);
    }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    const answer = once(socket, 'data')
    socket.write('?')
    expect(String(await withinDeadline(500, answer))).toBe('seven')
  } finally {
    socket.destroy()
    server.close()
  }
})
