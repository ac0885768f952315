import { Decoder, Encoder, type Packet } from 'socket.io-parser'
import { gcra } from '../../../core/domain/gcra.js'
import { PACKETS_PER_CONNECTION } from './limits.js'

/** Types 5 and 6 of the protocol announce binary attachments. */
const BINARY_PACKET = /^[56]/

type Parser = { readonly Encoder: new () => Encoder; readonly Decoder: new () => Decoder }

/** Socket.io's protocol without its binary packets: one that comes closes its connection, none is ever sent. */
export function jsonOnlyParser(limitFactor: number): Parser {
  const limit = {
    perMinute: PACKETS_PER_CONNECTION.perMinute * limitFactor,
    burst: PACKETS_PER_CONNECTION.burst * limitFactor,
  }

  /** One for each connection. What it throws closes the connection. */
  class JsonDecoder extends Decoder {
    private tatMs: number | null = null

    /** Counts a packet, and tells whether it is one too many. */
    admits(): boolean {
      const { allowance, tatMs } = gcra(this.tatMs, Date.now(), limit)
      this.tatMs = tatMs
      return allowance.allowed
    }

    override add(data: unknown): void {
      if (!this.admits()) throw new Error('too many packets')
      if (typeof data !== 'string' || BINARY_PACKET.test(data)) throw new Error('binary data')
      try {
        super.add(data)
      } catch (error) {
        // A reserved name or a payload of another shape: passed over, as an unknown event is.
        if (!(error instanceof Error && error.message === 'invalid payload')) throw error
      }
    }
  }
  return { Encoder: JsonEncoder, Decoder: JsonDecoder }
}

/** Spares each packet the search for buffers; answers are plain data. */
class JsonEncoder extends Encoder {
  override encode(packet: Packet): string[] {
    const json = packet.data === undefined ? '' : JSON.stringify(packet.data)
    const nsp = packet.nsp && packet.nsp !== '/' ? `${packet.nsp},` : ''
    return [`${packet.type}${nsp}${packet.id ?? ''}${json}`]
  }
}
