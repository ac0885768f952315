import { gather } from './crowd.js'
import type { Crowd, LoadCall, LoadReply, LoadRequest } from './protocol.js'
import type { LoadSocket } from './socket.js'
import { Step } from './step.js'
import { Bodies } from './words.js'

/** The load generator: a process of its own on a core of its own, told over its channel what to do. */
let crowd: Crowd | null = null
let sockets: LoadSocket[] = []
const bodies = new Bodies()

async function perform(request: LoadRequest): Promise<unknown> {
  if (request.type === 'connect') {
    for (const socket of sockets) socket.close()
    crowd = request.crowd
    const startedMs = performance.now()
    sockets = await gather(crowd)
    return { connectedMs: performance.now() - startedMs }
  }
  if (crowd === null) throw new Error('nobody is connected')
  return new Step(request.plan, crowd, sockets, bodies).run()
}

process.on('message', (call: LoadCall) => {
  perform(call.request).then(
    (value) => reply({ id: call.id, ok: true, value }),
    (error: unknown) => reply({ id: call.id, ok: false, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))

function reply(message: LoadReply): void {
  process.send?.(message)
}
