import { type DestinationStream, type Logger, type LoggerOptions, pino, stdSerializers } from 'pino'
import { gcra } from '../../../core/domain/gcra.js'

/** Warnings written at most, and errors as well: a storm of them must not cost more than the faults themselves. */
const STORM = { perMinute: 120, burst: 60 }
const WARN = 40
const FATAL = 60

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

/** Each level has its own allowance, so that many warnings hide no error; what is fatal is always written. */
function capStorms(): LogMethod {
  const kept = new Map<number, { tatMs: number | null; suppressed: number }>()
  return function (args, method, level) {
    if (level >= WARN && level < FATAL) {
      const storm = kept.get(level) ?? { tatMs: null, suppressed: 0 }
      kept.set(level, storm)
      const { allowance, tatMs } = gcra(storm.tatMs, Date.now(), STORM)
      storm.tatMs = tatMs
      if (!allowance.allowed) {
        storm.suppressed += 1
        return
      }
      const { suppressed } = storm
      storm.suppressed = 0
      if (suppressed > 0)
        this.info({ suppressed, of: this.levels.labels[level] }, 'lines of a level were left out')
    }
    method.apply(this, args)
  }
}
