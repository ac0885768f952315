import { RedisFailure } from './errors.js'

/**
 * The outcome of `task`, or a RedisFailure `TIMEOUT` after `ms`; what the task does later is left to it. An answer that lay unread while
 * this process was busy counts as in time.
 */
export async function withinDeadline<T>(ms: number, task: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    const expire = () => reject(new RedisFailure('TIMEOUT', `no answer within ${ms} ms`))
    // Sockets are read between timers and immediates.
    timer = setTimeout(() => setImmediate(expire), ms)
  })
  try {
    return await Promise.race([task, late])
  } finally {
    clearTimeout(timer)
  }
}
