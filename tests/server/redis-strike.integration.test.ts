import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { operate } from '../support/redis-connections.js'
import { RedisStrike } from '../support/redis-strike.js'
import { send } from './hostile/raw-http.js'

describeWithRedis('the strike against Redis in the middle of the tests', () => {
  let redis: RedisServer
  let strike: RedisStrike
  let url: string
  const server = createServer((_request, response) => response.end('{}'))

  beforeEach(async () => {
    redis = await RedisServer.start()
    strike = new RedisStrike(redis)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await redis.stop()
  })

  const runs = () =>
    operate(redis.url, 'ping').then(
      () => true,
      () => false,
    )
  const ASKS = {
    fetch: async () => void (await (await fetch(url)).text()),
    'node:http': async () => void (await send(url, 'GET', '/')),
  }

  it.each(Object.entries(ASKS))('comes with the first answer, asked for by %s', async (_name, ask) => {
    strike.prepare([url])
    expect(await runs()).toBe(true)
    await ask()
    expect(await runs()).toBe(false)
    await ask()
    expect(() => strike.verify()).not.toThrow()
  })

  it('has failed where nothing was answered, where nothing was after it, and where others answered', async () => {
    strike.prepare(['http://127.0.0.1:1'])
    await ASKS.fetch()
    await ASKS['node:http']()
    expect(await runs()).toBe(true)
    expect(() => strike.verify()).toThrow('never killed')
    strike.prepare([url])
    await ASKS.fetch()
    expect(() => strike.verify()).toThrow('after the last answer')
  })
})
