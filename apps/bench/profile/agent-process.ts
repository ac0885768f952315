import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Latencies } from '../load/protocol.js'
import type { AgentReply, AgentRequest } from './protocol.js'

const AGENT = new URL('./agent/main.js', import.meta.url).href

/** What a system is started with to have the agent in it. */
export const WITH_AGENT = { nodeArgs: ['--expose-gc', '--import', AGENT], channel: true } as const

async function ask(child: ChildProcess, request: AgentRequest): Promise<AgentReply> {
  const answered = once(child, 'message')
  child.send(request)
  const [reply] = await answered
  return reply as AgentReply
}

export async function collectGarbage(child: ChildProcess): Promise<void> {
  await ask(child, { type: 'collect' })
}

/** Profiles the process while `work` runs, into a file that the tools of Chromium open. */
export async function profileWhile<T>(
  child: ChildProcess,
  file: string,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly loopDelayMs: Latencies }> {
  await ask(child, { type: 'start' })
  const value = await work()
  const reply = await ask(child, { type: 'stop', file })
  if (reply.type !== 'stopped') throw new Error(`the agent answered ${reply.type}`)
  return { value, loopDelayMs: reply.loopDelayMs }
}

/** Where the compiled code lies, so that a profile can name its files by their place in it. */
export const COMPILED_ROOT = fileURLToPath(new URL('../../../', import.meta.url))
