import { Slab } from './slab.js'

const FINAL_TEXT = 0x81
const LENGTH_16 = 126
const LENGTH_64 = 127
/** Of a header with a length of 16 bits. */
const HEADER_16 = 4

const slab = new Slab()

/** A message of text as one WebSocket frame of a server, which is not masked (RFC 6455, 5.2). */
export function textFrame(text: string): Buffer {
  // Then its length takes 16 bits, neither more nor fewer, however many bytes its characters take.
  return text.length >= LENGTH_16 && Slab.fits(text, HEADER_16) ? frameOf16(text) : frameOfAny(text)
}

/** Written without asking first how many bytes it will be. */
function frameOf16(text: string): Buffer {
  const frame = slab.write(text, HEADER_16)
  const length = frame.length - HEADER_16
  frame[0] = FINAL_TEXT
  frame[1] = LENGTH_16
  frame[2] = length >>> 8
  frame[3] = length & 0xff
  return frame
}

function frameOfAny(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const start = length < LENGTH_16 ? 2 : length <= 0xffff ? HEADER_16 : 10
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = FINAL_TEXT
  if (start === 2) frame[1] = length
  else if (start === HEADER_16) {
    frame[1] = LENGTH_16
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = LENGTH_64
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, start)
  return frame
}
