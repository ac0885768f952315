import type { Sql, Transaction } from './connection.js'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const never = (): Promise<never> => new Promise(() => {})

/**
 * Runs `work` in one transaction, as `sql.begin` does, and stays safe when the connection is lost meanwhile. postgres.js 3.4
 * would then send what follows, a rollback included, to a socket that is gone, which ends the process; or, once
 * the connection has been made again, would run it there outside any transaction. So from that moment on nothing is sent.
 */
export async function transact<T>(sql: Sql, mode: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const connection = { isLost: false }
  const outcome = sql.begin(mode, async (tx) => {
    try {
      const value = await work(guarded(tx, connection))
      return connection.isLost ? await never() : value
    } catch (error) {
      // Where the loss is what failed the work, both are told in one turn of the event loop.
      await nextTurn()
      return connection.isLost ? await never() : Promise.reject(error)
    }
  })
  outcome.catch(() => {
    connection.isLost = true
  })
  // The library types the answer as unwrapped, which is what it is for anything but an array of promises.
  return (await outcome) as T
}

/** The same transaction, which refuses to send anything once its connection is lost. */
function guarded(tx: Transaction, connection: { readonly isLost: boolean }): Transaction {
  const check = (): void => {
    if (connection.isLost) throw new Error('the connection of the transaction is lost')
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
