/** Sockets of one user in one process: every device of a person, with a few tabs each. */
export const SOCKETS_PER_USER = 20
/** Connections of one address in one process; `PARLEY_LIMIT_FACTOR` multiplies it. */
export const CONNECTIONS_PER_IP = 1_000
export const ROOMS_PER_SOCKET = 200
/** Events of one socket; `PARLEY_LIMIT_FACTOR` multiplies it. Use cases have their own, tighter limits. */
export const EVENTS_PER_SOCKET = { perMinute: 1_200, burst: 300 }
/** Packets of one connection, whatever is in them; beyond it, it is cut. */
export const PACKETS_PER_CONNECTION = { perMinute: 12_000, burst: 3_000 }
/** Events of one socket that may be under way at once. */
export const EVENTS_UNDER_WAY = 256
/** A connection that has not signed in by then is closed. */
export const SIGN_IN_TIMEOUT_MS = 8_000
/** How long a client may take to answer the end of its connection. */
export const CLOSING_MS = 1_500
/** A token may be out for this long before its socket is closed. */
export const EXPIRY_GRACE_MS = 5_000
/** A socket that went may come back within this time before others are told. */
export const PRESENCE_GRACE_MS = 10_000
/** Bytes that may wait for a reader for `SLOW_READER_MS`, and bytes that may never wait: more than any answer has. */
export const UNREAD_BYTES = { soft: 1_048_576, hard: 33_554_432 }
export const SLOW_READER_MS = 5_000
