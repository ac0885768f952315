import postgres from 'postgres'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { TransactionLost } from './transact.js'

/** A statement that the database will never accept as it is: a bug of this adapter or impossible data, not an outage. */
export class StatementRefused extends Error {
  override readonly name = 'StatementRefused'

  constructor(
    readonly port: string,
    /** SQLSTATE. */
    readonly code: string,
    readonly constraint: string | null,
  ) {
    super(
      `${port}: the database refused a statement (${code}${constraint === null ? '' : `, ${constraint}`})`,
    )
  }
}

/** Why a port is unavailable: SQLSTATE or the code of a connection error, and its message. */
export class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure'

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`)
  }
}

/** Whether a lock was not to be had within `lock_timeout`. */
export const isLockTimeout = (error: unknown): boolean =>
  error instanceof PortUnavailable && error.cause instanceof DatabaseFailure && error.cause.code === '55P03'

/** Data exceptions, broken constraints, and syntax, names or privileges. */
const REFUSED_CLASSES = new Set(['22', '23', '42'])

const REPEATABLE_CODES = new Set(['40001', '40P01'])

/** Serialization failures, deadlocks, and a loss before the commit: the transaction was rolled back and may be run again at once. */
export const isRepeatable = (error: unknown): boolean =>
  error instanceof TransactionLost ||
  (error instanceof postgres.PostgresError && REPEATABLE_CODES.has(error.code))

/** Whether the connection is gone or about to go, of which the library tells only later. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof postgres.PostgresError) return error.severity === 'FATAL'
  // As errors of sockets have, and those of connections that the library makes.
  return error instanceof TransactionLost || (error instanceof Error && 'errno' in error)
}

/**
 * What leaves the adapter instead of an error of the library. Details and parameters of a library error hold texts and
 * addresses, and would reach the log by way of `cause`; so the cause has its code and message alone.
 */
export function translate(port: string, error: unknown): unknown {
  if (error instanceof TransactionLost) return translate(port, error.cause)
  if (error instanceof postgres.PostgresError) {
    if (REFUSED_CLASSES.has(error.code.slice(0, 2)))
      return new StatementRefused(port, error.code, error.constraint_name ?? null)
    return new PortUnavailable(port, new DatabaseFailure(error.code, error.message))
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return new PortUnavailable(port, new DatabaseFailure(error.code, error.message))
  return error
}
