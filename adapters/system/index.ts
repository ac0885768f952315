export { ArgonPasswords, type HashingLimits } from './argon-passwords.js'
export { type JwtSettings, JwtTokens } from './jwt-tokens.js'
export { SystemClock } from './system-clock.js'
export { UuidIds } from './uuid-ids.js'
