import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RefreshCookie } from '../contract/operation.js'
import type { Origins } from './origins.js'

type Page = { readonly origins: Origins; readonly isHttps: boolean }

/** The cookie of one request, as `docs/contract.md` ("Browsers") has it. */
export function refreshCookieOf(request: FastifyRequest, reply: FastifyReply, page: Page): RefreshCookie {
  // A browser takes the prefix `__Host-` only with Secure, and Secure only over HTTPS.
  const name = page.isHttps ? '__Host-parley' : 'parley'
  const attributes = { path: '/', httpOnly: true, sameSite: 'strict', secure: page.isHttps } as const
  return {
    read() {
      const { origin } = request.headers
      // SameSite is about sites; another port or subdomain is the same site and not the same origin.
      const isFromPage =
        origin !== undefined && page.origins.isAllowed(origin) && request.headers['x-parley'] === '1'
      return (isFromPage && request.cookies[name]) || null
    },
    set(refreshToken, expiresAtMs) {
      reply.setCookie(name, refreshToken, { ...attributes, expires: new Date(expiresAtMs) })
    },
    clear() {
      if (request.cookies[name] !== undefined) reply.clearCookie(name, attributes)
    },
  }
}
