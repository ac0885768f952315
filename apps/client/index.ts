export { ParleyError, type ParleyErrorCode } from './errors.js'
export type { Observation, Observe } from './observation.js'
export type { ClientOptions, Environment, Fetch, SocketFactory, SocketLike } from './options.js'
export { browserStorage, type ClientStorage, memoryStorage } from './storage.js'
export type * from './types.js'
export type * from './wire.js'

import type { ClientOptions } from './options.js'
import type { ParleyClient } from './types.js'

/** How `createClient` is called, which makes a client that is neither signed in nor connected yet. */
export type CreateClient = (options: ClientOptions) => ParleyClient
