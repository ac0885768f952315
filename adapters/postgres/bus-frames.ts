/** Postgres refuses a notification of 8,000 bytes. */
export const PAYLOAD_MAX_BYTES = 7_999
/** Room for the five numbers of a frame's header. */
const HEADER_MAX_BYTES = 48

/**
 * A piece of a message. Its body is the topic followed by the text; a message that does not fit into one notification
 * is split into `parts`, which travel in order.
 */
export type Frame = {
  /** Counts the messages of one origin. */
  readonly id: number
  readonly part: number
  readonly parts: number
  /** Length of the topic in the whole body, in UTF-16 code units. */
  readonly topicLength: number
  readonly chunk: string
}

export type Outgoing = { readonly id: number; readonly topic: string; readonly text: string }

/** `origin;` and then frames, each `id,part,parts,topicLength,length;chunk`, with lengths in UTF-16 code units. */
const HEADER = /(\d{1,15}),(\d{1,4}),(\d{1,4}),(\d{1,7}),(\d{1,5});/y

/** Packs messages into as few notifications as they need, in order. */
export function pack(origin: string, messages: readonly Outgoing[]): readonly string[] {
  const prefix = `${origin};`
  const prefixBytes = Buffer.byteLength(prefix)
  const payloads: string[] = []
  let payload = prefix
  let bytes = prefixBytes
  for (const message of messages) {
    for (const frame of framesOf(message, PAYLOAD_MAX_BYTES - prefixBytes - HEADER_MAX_BYTES)) {
      const text = write(frame)
      const more = Buffer.byteLength(text)
      if (bytes + more > PAYLOAD_MAX_BYTES) {
        payloads.push(payload)
        payload = prefix
        bytes = prefixBytes
      }
      payload += text
      bytes += more
    }
  }
  payloads.push(payload)
  return payloads
}

/** Null for what no `pack` has written. */
export function unpack(
  payload: string,
): { readonly origin: string; readonly frames: readonly Frame[] } | null {
  const start = payload.indexOf(';') + 1
  if (start === 0) return null
  const frames: Frame[] = []
  let position = start
  while (position < payload.length) {
    HEADER.lastIndex = position
    const header = HEADER.exec(payload)
    if (header === null) return null
    const [id = 0, part = 0, parts = 0, topicLength = 0, length = 0] = header.slice(1).map(Number)
    const chunk = payload.slice(HEADER.lastIndex, HEADER.lastIndex + length)
    if (chunk.length < length || part >= parts) return null
    frames.push({ id, part, parts, topicLength, chunk })
    position = HEADER.lastIndex + length
  }
  return { origin: payload.slice(0, start - 1), frames }
}

const write = ({ id, part, parts, topicLength, chunk }: Frame): string =>
  `${id},${part},${parts},${topicLength},${chunk.length};${chunk}`

function framesOf({ id, topic, text }: Outgoing, chunkMaxBytes: number): readonly Frame[] {
  const body = topic + text
  const chunks = body.length * 3 <= chunkMaxBytes ? [body] : split(Buffer.from(body), chunkMaxBytes)
  const parts = chunks.length
  return chunks.map((chunk, part) => ({ id, part, parts, topicLength: topic.length, chunk }))
}

/** Cuts UTF-8 between characters, never within one. */
function split(body: Buffer, maxBytes: number): readonly string[] {
  const chunks: string[] = []
  let start = 0
  while (start < body.length) {
    let end = Math.min(start + maxBytes, body.length)
    while (end < body.length && ((body[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1
    chunks.push(body.toString('utf8', start, end))
    start = end
  }
  return chunks
}
