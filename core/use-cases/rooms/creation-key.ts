import type { CreationKey } from '../../ports/room-repo-port.js'
import type { TokenPort } from '../../ports/token-port.js'

/** What makes a repeated creating call the same call: its client id, and the digest of its body with defaults filled in. */
export function creationKey(
  tokens: Pick<TokenPort, 'digest'>,
  clientId: string | undefined,
  body: Readonly<Record<string, string | number | boolean | null>>,
): CreationKey | null {
  return clientId === undefined ? null : { clientId, bodyDigest: tokens.digest(JSON.stringify(body)) }
}
