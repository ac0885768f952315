import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AgentReply, AgentRequest } from '../protocol.js'

/**
 * Loaded into a server under test with `--import`: profiles it for as long as it is told to over the channel, and collects
 * garbage on demand. The server does not know of it.
 */
const SAMPLE_EVERY_US = 250

const session = new Session()
const delay = monitorEventLoopDelay({ resolution: 1 })

async function perform(request: AgentRequest): Promise<AgentReply> {
  if (request.type === 'collect') {
    globalThis.gc?.()
    globalThis.gc?.()
    return { type: 'collected' }
  }
  if (request.type === 'start') {
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US })
    await session.post('Profiler.start')
    delay.enable()
    return { type: 'started' }
  }
  delay.disable()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  await writeFile(request.file, JSON.stringify(profile))
  const ms = (nanoseconds: number) => nanoseconds / 1e6
  return {
    type: 'stopped',
    loopDelayMs: { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) },
  }
}

process.on('message', (request: AgentRequest) => {
  void perform(request).then((reply) => process.send?.(reply))
})
// The channel alone must not keep a server alive that wants to end.
process.channel?.unref()
