import type { Sql, Transaction } from './connection.js'

/** So long after its last statement a transaction may have been ended by the database, which does not wait for ever for the next. */
const DOUBTFUL_MS = 250

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const never = (): Promise<never> => new Promise(() => {})

/** The connection was lost before the commit was sent: nothing of the transaction has happened, and it may be run again. */
export class TransactionLost extends Error {
  override readonly name = 'TransactionLost'
}

type State = { phase: 'beginning' | 'working' | 'ending'; isLost: boolean; sentAtMs: number }

/**
 * Runs `work` in one transaction, as `sql.begin` does, and stays safe when the connection is lost meanwhile. postgres.js 3.4
 * would then send what follows, a rollback included, to a socket that is gone, which ends the process; or, once
 * the connection has been made again, would run it there outside any transaction. So from that moment on nothing is sent.
 */
export async function transact<T>(sql: Sql, mode: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const state: State = { phase: 'beginning', isLost: false, sentAtMs: 0 }
  const outcome = sql.begin(mode, async (tx) => {
    state.phase = 'working'
    try {
      const value = await work(guarded(tx, state))
      // A commit whose connection is found lost may have happened; a question is known to have changed nothing.
      if (performance.now() - state.sentAtMs > DOUBTFUL_MS) await tx`select 1`
      if (state.isLost) return await never()
      state.phase = 'ending'
      return value
    } catch (error) {
      // Where the loss is what failed the work, both are told in one turn of the event loop.
      await nextTurn()
      if (state.isLost) return await never()
      state.phase = 'ending'
      throw error
    }
  })
  // The library types the answer as unwrapped, which is what it is for anything but an array of promises.
  return (await outcome.catch((error: unknown) => {
    state.isLost = true
    throw state.phase === 'working' ? new TransactionLost('lost before its commit', { cause: error }) : error
  })) as T
}

/** The same transaction, which refuses to send anything once its connection is lost. */
function guarded(tx: Transaction, state: State): Transaction {
  const check = (): void => {
    if (state.isLost) throw new Error('the connection of the transaction is lost')
    state.sentAtMs = performance.now()
  }
  return new Proxy(tx, {
    apply(target, self, args) {
      check()
      return Reflect.apply(target, self, args)
    },
    get(target, key) {
      if (key === 'unsafe') check()
      return Reflect.get(target, key)
    },
  })
}
