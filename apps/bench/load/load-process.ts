import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { spawnOn } from '../machine/pinning.js'
import type {
  Answers,
  Crowd,
  LoadCall,
  LoadCalls,
  LoadReply,
  LoadRequest,
  Question,
  Return,
  StepPlan,
  StepResult,
} from './protocol.js'

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url))

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }

/** The driver's end of a load process. */
export class LoadProcess {
  private readonly waiting = new Map<number, Waiting>()
  private calls = 0
  private steps = 0

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (reply: LoadReply) => this.settle(reply))
    child.once('exit', (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the load ended with ${code}`))
      this.waiting.clear()
    })
  }

  static start(): LoadProcess {
    return new LoadProcess(spawnOn('load', [MAIN], { channel: true }))
  }

  async connect(crowd: Crowd, { stay = false } = {}): Promise<void> {
    await this.call('connect', { crowd, stay })
  }

  step(plan: Omit<StepPlan, 'number'>): Promise<StepResult> {
    this.steps += 1
    return this.call('step', { ...plan, number: this.steps })
  }

  /** To be called before the connections break. */
  comeBack(): Promise<Return> {
    return this.call('comeBack', null)
  }

  ask(client: number, questions: readonly Question[], turns: number): Promise<readonly Answers[]> {
    return this.call('ask', { client, questions, turns })
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect()
  }

  private async call<Type extends keyof LoadCalls>(
    type: Type,
    input: LoadCalls[Type]['input'],
  ): Promise<LoadCalls[Type]['output']> {
    this.calls += 1
    const call = { id: this.calls, request: { type, input } as LoadRequest } satisfies LoadCall
    const answer = new Promise<unknown>((resolve, reject) => {
      this.waiting.set(call.id, { resolve, reject })
    })
    this.child.send(call)
    return (await answer) as LoadCalls[Type]['output']
  }

  private settle(reply: LoadReply): void {
    const waiting = this.waiting.get(reply.id)
    this.waiting.delete(reply.id)
    if (reply.ok) waiting?.resolve(reply.value)
    else waiting?.reject(new Error(`load: ${reply.error}`))
  }
}
