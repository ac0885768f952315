import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HistoryWriter } from '../checker/history-file.js'
import type { Instance } from './parts.js'
import { Devices } from './workload/devices.js'

const header = { run: 'r', seed: 1, configuration: {}, instances: ['i1'] }

const isAccepted = async (url: string): Promise<boolean> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const accepted = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return accepted
}

it('proxies that devices share end with the devices, so that nothing keeps the process of a campaign', async () => {
  const path = join(tmpdir(), `parley-devices-${process.pid}.jsonl`)
  const writer = new HistoryWriter(path, header)
  const devices = new Devices(writer, [{ name: 'i1', url: 'http://127.0.0.1:1' } as Instance], 'r', {})
  const links = [...(await devices.sharedLinks()).values()]
  expect(links).toHaveLength(1)
  for (const { url } of links) expect(await isAccepted(url)).toBe(true)
  await devices.close()
  await writer.close()
  await rm(path)
  for (const { url } of links) expect(await isAccepted(url)).toBe(false)
})
