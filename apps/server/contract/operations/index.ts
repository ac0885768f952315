import type { Operation } from '../operation.js'
import { accountOperations } from './accounts.js'
import { administrationOperations } from './administration.js'
import { memberOperations } from './members.js'
import { messageOperations } from './messages.js'
import { presenceOperations } from './presence.js'
import { readingOperations } from './reading.js'
import { roomOperations } from './rooms.js'

/** Everything that a client can ask for, over HTTP, over a socket or over both. */
export const OPERATIONS: readonly Operation[] = [
  ...accountOperations,
  ...roomOperations,
  ...memberOperations,
  ...messageOperations,
  ...readingOperations,
  ...presenceOperations,
  ...administrationOperations,
]
