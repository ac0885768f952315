import { accountRepoContract } from './account-repo.contract.js'
import { actorWritesContract } from './actor-writes.contract.js'
import { invitationRepoContract } from './invitation-repo.contract.js'
import { loginRepoContract } from './login-repo.contract.js'
import { loginRetentionContract } from './login-retention.contract.js'
import { messageRepoContract } from './message-repo.contract.js'
import { roomLogContract } from './room-log.contract.js'
import { roomLogDecisionsContract } from './room-log-decisions.contract.js'
import { roomLogFactsContract } from './room-log-facts.contract.js'
import { roomLogRacesContract } from './room-log-races.contract.js'
import { roomLogReadingContract } from './room-log-reading.contract.js'
import { roomReadingContract } from './room-reading.contract.js'
import { roomRepoContract } from './room-repo.contract.js'
import { settingsRepoContract } from './settings-repo.contract.js'
import type { StoreContract } from './store.js'
import { sweepContract } from './sweep.contract.js'

/** All that a database of repositories promises, by port: what runs these runs everything. */
export const storeContracts = {
  'RoomLogPort, writing': roomLogContract,
  'RoomLogPort, facts': roomLogFactsContract,
  'RoomLogPort, reading': roomLogReadingContract,
  'RoomLogPort, races': roomLogRacesContract,
  'RoomLogPort, decisions': roomLogDecisionsContract,
  RoomRepoPort: roomRepoContract,
  'RoomRepoPort, reading': roomReadingContract,
  InvitationRepoPort: invitationRepoContract,
  MessageRepoPort: messageRepoContract,
  AccountRepoPort: accountRepoContract,
  LoginRepoPort: loginRepoContract,
  'LoginRepoPort, forgetting': loginRetentionContract,
  'Writes for an actor': actorWritesContract,
  SweepPort: sweepContract,
  SettingsRepoPort: settingsRepoContract,
} satisfies Record<string, StoreContract>
