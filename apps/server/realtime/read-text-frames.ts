import { isUtf8 } from 'node:buffer'
import type { Socket as NetSocket } from 'node:net'

const FINAL_TEXT = 0x81
const MASKED = 0x80
const LENGTH_16 = 126
const MASK_BYTES = 4

type Forward = (this: NetSocket, chunk: Buffer) => void

/**
 * Reads the messages of a WebSocket that came as most do: each as one masked text frame of up to 65,535 bytes that lies whole in a
 * chunk (RFC 6455, 5.2). From the first that did not, `ws` reads the connection by itself again, from that frame on: it judges
 * whatever is long, in parts, split or wrong, and control frames.
 *
 * @param connection of which `ws` has attached its listener, and read nothing yet
 * @param maxBytes longer messages are left to `ws`
 * @param take is given each message, in order, within the event that brought it
 */
export function readTextFrames(
  connection: NetSocket,
  maxBytes: number,
  take: (message: string) => void,
): void {
  const [forward] = connection.listeners('data') as Forward[]
  if (forward === undefined) throw new Error('ws reads no data')
  connection.removeListener('data', forward)
  connection.on('data', read)

  function read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const start = startOfPayload(chunk, at)
      const end = start + payloadLength(chunk, at)
      const message = end <= chunk.length && end - start <= maxBytes ? textOf(chunk, start, end) : null
      if (message === null) {
        connection.removeListener('data', read)
        connection.on('data', forward as Forward)
        forward?.call(connection, chunk.subarray(at))
        return
      }
      at = end
      take(message)
    }
  }
}

const startOfPayload = (chunk: Buffer, at: number): number =>
  at + (chunk[at + 1] === (MASKED | LENGTH_16) ? 4 : 2) + MASK_BYTES

/** In bytes. Infinite where the frame is of another kind, or its header is not all there. */
function payloadLength(chunk: Buffer, at: number): number {
  const second = chunk[at + 1]
  if (chunk[at] !== FINAL_TEXT || second === undefined || second < MASKED) return Number.POSITIVE_INFINITY
  const length = second - MASKED
  if (length < LENGTH_16) return length
  return length === LENGTH_16 && at + 4 <= chunk.length
    ? chunk.readUInt16BE(at + 2)
    : Number.POSITIVE_INFINITY
}

/** Null, with the chunk as it was, where it is no UTF-8. */
function textOf(chunk: Buffer, start: number, end: number): string | null {
  const isAscii = unmask(chunk, start, end)
  // What most messages are needs neither be checked nor decoded.
  if (isAscii) return chunk.toString('latin1', start, end)
  if (isUtf8(chunk.subarray(start, end))) return chunk.toString('utf8', start, end)
  unmask(chunk, start, end)
  return null
}

/** Whether all of it is ASCII then. Twice leaves it as it was. */
function unmask(chunk: Buffer, start: number, end: number): boolean {
  let bits = 0
  for (let at = start; at < end; at += 1) {
    const byte = (chunk[at] as number) ^ (chunk[start - MASK_BYTES + ((at - start) & 3)] as number)
    chunk[at] = byte
    bits |= byte
  }
  return bits < 0x80
}
