import { createHmac } from 'node:crypto'
import { JwtTokens, SystemClock } from '../../../adapters/system/index.js'
import type { Instances } from '../../support/instances.js'
import type { Person } from '../../support/person.js'

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string | undefined): object =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as object

export const secretOf = (target: Instances): string => target.variables.PARLEY_AUTH_SECRET ?? ''

/** The login that an access token is of. */
export const loginIdOf = (accessToken: string): string =>
  String((decode(accessToken.split('.')[1]) as { sid?: string }).sid)

/** A token as the server signs it, of this person's login, with an end of one's choice. */
export const tokenUntil = (target: Instances, person: Person, expiresAtMs: number): Promise<string> =>
  new JwtTokens({ secret: secretOf(target), clock: new SystemClock() }).signAccess({
    userId: person.userId,
    loginId: loginIdOf(person.accessToken),
    expiresAtMs,
  })

export type Forgery = {
  readonly header?: object
  readonly claims?: object
  readonly secret: string
  readonly digest?: 'sha256' | 'sha512' | 'none'
}

/** A genuine token with parts of it changed, signed anew with any secret. */
export function forge(genuine: string, { header, claims, secret, digest = 'sha256' }: Forgery): string {
  const [head, body] = genuine.split('.')
  const signed = `${encode({ ...decode(head), ...header })}.${encode({ ...decode(body), ...claims })}`
  const signature = digest === 'none' ? '' : createHmac(digest, secret).update(signed).digest('base64url')
  return `${signed}.${signature}`
}
