import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { spawnOn } from '../machine/pinning.js'
import type { Crowd, LoadCall, LoadReply, LoadRequest, StepPlan, StepResult } from './protocol.js'

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

  async connect(crowd: Crowd): Promise<{ connectedMs: number }> {
    return (await this.call({ type: 'connect', crowd })) as { connectedMs: number }
  }

  async step(plan: Omit<StepPlan, 'number'>): Promise<StepResult> {
    this.steps += 1
    return (await this.call({ type: 'step', plan: { ...plan, number: this.steps } })) as StepResult
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect()
  }

  private call(request: LoadRequest): Promise<unknown> {
    this.calls += 1
    const call: LoadCall = { id: this.calls, request }
    return new Promise((resolve, reject) => {
      this.waiting.set(call.id, { resolve, reject })
      this.child.send(call)
    })
  }

  private settle(reply: LoadReply): void {
    const waiting = this.waiting.get(reply.id)
    this.waiting.delete(reply.id)
    if (reply.ok) waiting?.resolve(reply.value)
    else waiting?.reject(new Error(`load: ${reply.error}`))
  }
}
