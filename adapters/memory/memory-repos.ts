import { MemoryAccountRepo } from './memory-account-repo.js'
import type { MemoryDatabase } from './memory-database.js'
import { MemoryInvitationRepo } from './memory-invitation-repo.js'
import { MemoryLoginRepo } from './memory-login-repo.js'
import { MemoryMessageRepo } from './memory-message-repo.js'
import { MemoryRoomLog } from './memory-room-log.js'
import { MemoryRoomRepo } from './memory-room-repo.js'
import { MemorySettingsRepo } from './memory-settings-repo.js'
import { MemorySweep } from './memory-sweep.js'

/** The room log and all repositories of one process over `database`. */
export function memoryRepos(database: MemoryDatabase) {
  const log = new MemoryRoomLog(database)
  return {
    log,
    rooms: new MemoryRoomRepo(database, log),
    invitations: new MemoryInvitationRepo(database),
    messages: new MemoryMessageRepo(database),
    accounts: new MemoryAccountRepo(database, log),
    logins: new MemoryLoginRepo(database),
    sweep: new MemorySweep(database),
    storedSettings: new MemorySettingsRepo(database),
  }
}
