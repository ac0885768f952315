import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import type { Json } from '../../support/person.js'

export type RawAnswer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Empty where the answer is not JSON. */
  readonly body: Json
}

export type RawRequest = {
  readonly headers?: OutgoingHttpHeaders
  readonly token?: string
  /** A text or bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown
  /** The address on loopback to come from: each has limits of its own. */
  readonly from?: string
}

/** A request exactly as given, on a connection of its own: neither path nor headers are put right. */
export function send(
  url: string,
  method: string,
  path: string,
  options: RawRequest = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const isRaw = typeof options.body === 'string' || Buffer.isBuffer(options.body)
  const body = isRaw ? (options.body as string | Buffer) : JSON.stringify(options.body)
  const isChunked = options.headers?.['transfer-encoding'] !== undefined
  const headers: OutgoingHttpHeaders = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(body === undefined || isChunked ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...options.headers,
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method, path, headers, agent: false, localAddress: options.from },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const isJson = (incoming.headers['content-type'] ?? '').includes('json')
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            body: isJson ? (JSON.parse(text) as Json) : {},
          })
        })
      },
    )
    outgoing.setTimeout(30_000, () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Writes the same request many times at once on one connection, and counts the answers by status. */
export async function pipeline(url: string, request: string, times: number): Promise<Record<number, number>> {
  const last = request.replace(' HTTP/1.1\r\n', ' HTTP/1.1\r\nConnection: close\r\n')
  const { text } = await converse(url, request.repeat(times - 1) + last, 30_000)
  const counts: Record<number, number> = {}
  for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g))
    counts[Number(status)] = (counts[Number(status)] ?? 0) + 1
  return counts
}

export type Conversation = {
  /** Everything that the server wrote. */
  readonly text: string
  /** How long the server kept the connection. */
  readonly openMs: number
}

/** Writes bytes to the server's port and waits until the server closes; fails if it has not by the deadline. */
export function converse(url: string, bytes: string | Buffer, withinMs = 15_000): Promise<Conversation> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let text = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`still open after ${withinMs} ms, having answered ${JSON.stringify(text)}`))
    }, withinMs)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    // Cut by a reset is closed as well.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve({ text, openMs: performance.now() - startedMs })
    })
  })
}
