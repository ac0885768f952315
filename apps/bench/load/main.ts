import { comeBack } from './coming-back.js'
import { gather, type Present } from './crowd.js'
import type { Crowd, LoadCall, LoadReply, LoadRequest } from './protocol.js'
import { askAll } from './questions.js'
import { Step } from './step.js'
import { Bodies } from './words.js'

/** The load generator: a process of its own on a core of its own, told over its channel what to do. */
class Load {
  private crowd: Crowd = { urls: [''], roomIds: [], clients: [] }
  private present: Present[] = []
  private readonly bodies = new Bodies()

  async perform(request: LoadRequest): Promise<unknown> {
    switch (request.type) {
      case 'connect':
        return this.connect(request.input.crowd, request.input.stay)
      case 'step': {
        const sockets = this.present.map(({ socket }) => socket)
        return new Step(request.input, this.crowd, sockets, this.bodies).run()
      }
      case 'comeBack': {
        const { present, result } = await comeBack(this.crowd, this.present)
        this.present = present
        return result
      }
      case 'ask': {
        const { client, questions, turns } = request.input
        const socket = this.present[client]?.socket
        if (socket === undefined) throw new Error('nobody to ask')
        return askAll(socket, questions, turns)
      }
    }
  }

  private async connect(crowd: Crowd, stay: boolean): Promise<null> {
    if (!stay) {
      for (const { socket } of this.present) socket.close()
      this.present = []
    }
    this.crowd = crowd
    this.present.push(...(await gather(crowd, this.present.length)))
    return null
  }
}

const load = new Load()

process.on('message', (call: LoadCall) => {
  load.perform(call.request).then(
    (value) => reply({ id: call.id, ok: true, value }),
    (error: unknown) => reply({ id: call.id, ok: false, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))

function reply(message: LoadReply): void {
  process.send?.(message)
}
