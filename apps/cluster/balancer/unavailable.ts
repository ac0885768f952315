import { ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

const STATUS = 503
const RETRY_AFTER_MS = 1_000

/** As a server answers that cannot serve now, so that clients need to know one form only. */
const BODY = JSON.stringify({
  type: 'about:blank',
  title: STATUS_CODES[STATUS],
  status: STATUS,
  detail: 'No instance can answer this now; try again later.',
  code: 'UNAVAILABLE',
  retryAfterMs: RETRY_AFTER_MS,
})

const HEADERS = {
  'content-type': 'application/problem+json; charset=utf-8',
  'content-length': String(Buffer.byteLength(BODY)),
  'cache-control': 'no-store',
  'retry-after': String(RETRY_AFTER_MS / 1_000),
}

/** Answers a request, or one for an upgrade; an answer that has begun is broken off, so that nobody takes it for whole. */
export function answerUnavailable(to: ServerResponse | Duplex, hasBegun: boolean): void {
  if (hasBegun) {
    to.destroy()
  } else if (to instanceof ServerResponse) {
    to.writeHead(STATUS, HEADERS).end(BODY)
  } else {
    const head = Object.entries({ ...HEADERS, connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    to.end([`HTTP/1.1 ${STATUS} ${STATUS_CODES[STATUS]}`, ...head, '', BODY].join('\r\n'))
  }
}
