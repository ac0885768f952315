/** Any key but zero: servers skip the unmasking of a zero key, which no real client sends. */
const KEY = [0x5a, 0x17, 0xc3, 0x6e] as const

/** A masked text frame, as a client has to send it. The text must be ASCII. */
export function textFrame(text: string): Buffer {
  const { length } = text
  if (length > 0xffff) throw new RangeError('a frame of the load is short')
  const header = length < 126 ? 6 : 8
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = 0x81
  if (length < 126) {
    frame[1] = 0x80 | length
  } else {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  }
  frame.set(KEY, header - 4)
  frame.write(text, header, 'latin1')
  for (let index = 0; index < length; index += 1)
    frame[header + index] = (frame[header + index] ?? 0) ^ (KEY[index & 3] ?? 0)
  return frame
}
