import { type DestinationStream, type Logger, type LoggerOptions, pino, stdSerializers } from 'pino'
import { gcra } from '../../../core/domain/gcra.js'

/** Warnings and errors written at most: a storm of them must not cost more than the faults themselves. */
const STORM = { perMinute: 120, burst: 60 }
const WARN = 40

/** Whatever may hold a text, a token or an address, should an object with it ever be logged. */
const REDACTED = [
  'text',
  'password',
  'next',
  'current',
  'token',
  'accessToken',
  'refreshToken',
  'email',
  'authorization',
  'cookie',
]

/** What can be told of an error without what its cause may quote: Postgres names row values in `detail` and `parameters`. */
function serializeError(error: Error): object {
  const { type, message, stack } = stdSerializers.err(error)
  const code = 'code' in error ? error.code : undefined
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : undefined
  return { type, message, stack, code, cause }
}

/** The log: JSON lines on standard output or `destination`, with secrets cut out and storms cut off. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serializeError },
    redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    hooks: { logMethod: capStorms() },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>

function capStorms(): LogMethod {
  let tatMs: number | null = null
  let suppressed = 0
  return function (args, method, level) {
    if (level >= WARN) {
      const { allowance, tatMs: kept } = gcra(tatMs, Date.now(), STORM)
      tatMs = kept
      if (!allowance.allowed) {
        suppressed += 1
        return
      }
      if (suppressed > 0) {
        this.info({ suppressed }, 'warnings and errors were left out')
        suppressed = 0
      }
    }
    method.apply(this, args)
  }
}
