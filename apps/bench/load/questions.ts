import { ask } from './crowd.js'
import { LatencyRecord } from './latencies.js'
import type { Answers, Question } from './protocol.js'
import type { LoadSocket } from './socket.js'

/** Asks one at a time, the kinds of question in turn, so that what disturbs the machine disturbs all kinds alike. */
export async function askAll(
  socket: LoadSocket,
  questions: readonly Question[],
  turns: number,
): Promise<Answers[]> {
  const records = questions.map(() => new LatencyRecord(turns))
  const sizes = questions.map(() => ({ messages: 0, bytes: 0 }))
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [index, { event, payloads }] of questions.entries()) {
      const startedMs = performance.now()
      const answer = await ask(socket, event, payloads[turn % payloads.length] ?? '{}')
      records[index]?.add(performance.now() - startedMs)
      if (turn === 0) sizes[index] = { messages: messagesIn(answer), bytes: answer.length }
    }
  }
  return questions.map(({ name }, index) => ({
    name,
    ms: records[index]?.summary() ?? { p50: Number.NaN, p99: Number.NaN, max: Number.NaN },
    ...(sizes[index] ?? { messages: 0, bytes: 0 }),
  }))
}

function messagesIn(answer: string): number {
  const [{ data }] = JSON.parse(answer) as [{ data: { messages: unknown[] } }]
  return data.messages.length
}
