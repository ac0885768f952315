import type { ParleyError } from '../../apps/client/errors.js'
import type { Link } from '../../apps/client/link.js'

type Payload = { readonly [field: string]: unknown }
export type Call = {
  readonly name: string
  readonly payload: Payload
  answer(data: unknown): void
  refuse(error: ParleyError): void
}

/** A link whose requests a test answers itself, by hand or with `onCall`. */
export class ScriptedLink {
  online = true
  readonly calls: Call[] = []
  tokensDoubted = 0
  onCall: (call: Call) => void = () => undefined

  /** As the parts of the client take it. */
  get asLink(): Link {
    return this as unknown as Link
  }

  emit(name: string, payload: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call: Call = { name, payload: payload as Payload, answer: resolve, refuse: reject }
      this.calls.push(call)
      this.onCall(call)
    })
  }

  doubtToken(): void {
    this.tokensDoubted += 1
  }

  get last(): Call {
    const call = this.calls.at(-1)
    if (call === undefined) throw new Error('nothing was asked')
    return call
  }
}
