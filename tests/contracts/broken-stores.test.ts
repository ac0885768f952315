import { describe, expect, it } from 'vitest'
import { actorWrites } from './actor-writes.contract.js'
import * as logs from './broken/broken-logs.js'
import * as processes from './broken/broken-processes.js'
import * as repos from './broken/broken-repos.js'
import * as settings from './broken/broken-settings.js'
import { TriggerHappyMediator } from './broken/trigger-happy-mediator.js'
import { failuresOf } from './failures-of.js'
import { mediatorContract } from './mediator.contract.js'
import { makeMemoryStore } from './memory-store.js'
import type { Store } from './store.js'
import { storeContracts } from './store-contracts.js'
import { type ProcessesFixture, storeProcessesContract } from './store-processes.contract.js'

type Suite = keyof typeof storeContracts
type Breakage = { [S in Suite]: [S, () => Store, ...(keyof (typeof storeContracts)[S])[]] }[Suite]

/** Each suite, what breaks it, and the behaviours that must fail. */
const BREAKAGES: readonly Breakage[] = [
  [
    'RoomLogPort, writing',
    logs.logWithHoles,
    'leaves no trace and no hole when a write is refused',
    'leaves no trace and no hole when a decision throws, and fails that write alone',
  ],
  [
    'RoomLogPort, writing',
    logs.forgetfulLog,
    'stores exactly what was sent',
    'gives the first message the seq after the room’s first event',
    'tells its listeners of concurrent commits of a room without a gap',
  ],
  [
    'RoomLogPort, writing',
    logs.logWithoutIdempotency,
    'answers a repeated client id with the same message and stores nothing',
    'answers CONFLICT when a client id comes back with another text, and keeps the first',
    'judges a retry by the text first submitted, also after an edit and a deletion',
  ],
  [
    'RoomLogPort, writing',
    logs.logThatTellsLate,
    'tells its listeners of each commit once, in order, before the write is answered',
  ],
  ['RoomLogPort, writing', repos.messagesByClock, 'orders by commit, whatever the clocks of the writers say'],
  [
    'RoomLogPort, facts',
    logs.logThatLooksIntoOtherRooms,
    'finds messages, members and invitations of this room only',
  ],
  [
    'RoomLogPort, facts',
    logs.logOfEndlessLogins,
    'says that a login lives until it ends or expires or the account is disabled',
  ],
  [
    'RoomLogPort, reading',
    logs.logThatKeepsTexts,
    'never shows a deleted text again, in any event or version',
    'fills every event of a message with its present state',
    'fills a join with the present member',
  ],
  [
    'RoomLogPort, races',
    logs.logWithoutIdempotency,
    'stores one message for a client id that is sent many times at once',
    'keeps one text where different ones are sent at once under one client id',
  ],
  [
    'RoomLogPort, races',
    logs.logWithHoles,
    'leaves no hole where refused and accepted writes arrive together',
  ],
  [
    'RoomLogPort, races',
    logs.logOfEndlessInvitations,
    'lets nobody use an invitation up more often than it may be',
  ],
  [
    'RoomLogPort, races',
    logs.logOfStaleMembers,
    'stores no message of a member after the removal is committed',
  ],
  [
    'RoomLogPort, races',
    logs.logOfEndlessLogins,
    'commits no write of a login after its end is answered',
    'commits no write of any login that a new password ended',
  ],
  ['RoomLogPort, races', repos.loginsThatEndLater, 'commits no write of a login after its end is answered'],
  [
    'RoomLogPort, decisions',
    logs.logOfStaleFacts,
    'leaves no text of a message that is deleted while it is edited',
    'keeps every one of many concurrent reactions',
    'leaves an owner where all owners step down at once',
  ],
  [
    'RoomRepoPort',
    repos.carelessRooms,
    'opens one room for a client id that arrives many times at once',
    'refuses a client id that was used for another body',
  ],
  [
    'RoomRepoPort, reading',
    repos.carelessRooms,
    'moves a read marker forward, never back, and at most to the head',
    'counts as unread what others sent above the marker, tombstones left out',
  ],
  [
    'RoomRepoPort, reading',
    repos.roomsReadForOthers,
    'answers each of many who read at once as it would answer them alone',
    'answers nobody with what another began to read before',
  ],
  [
    'RoomRepoPort',
    repos.tornSnapshots,
    'takes snapshots, between concurrent sends, that the events after them complete',
  ],
  ['InvitationRepoPort', repos.carelessInvitations, 'revokes once, and only in the room it belongs to'],
  ['InvitationRepoPort', logs.logOfEndlessInvitations, 'counts one use for each join by the code'],
  [
    'MessageRepoPort',
    repos.carelessMessages,
    'answers the messages nearest below `before`, and whether there are older ones',
    'keeps every version with its time, the present text last',
    'tells the seq at which the versions were read',
    'takes wildcards and operators as text (input D10)',
  ],
  [
    'AccountRepoPort',
    repos.forgetfulAccounts,
    'sets a new password and ends all logins but the one that asks',
    'appends a new display name to the log of each room of the user',
  ],
  [
    'LoginRepoPort',
    repos.forgetfulLogins,
    'remembers when a token was first spent, and whether its successor was',
    'ends the family once where a stolen token is replayed many times at once (input B9)',
  ],
  ['LoginRepoPort', repos.hastyLogins, 'serves many who present one token at once one after the other'],
  [
    'LoginRepoPort',
    repos.loginsFromAnywhere,
    'remembers the places that logins were opened from, of live and of ended ones, and no others',
  ],
  ['LoginRepoPort', repos.loginsThatEndLater, 'ends a login once, with its reason'],
  [
    'LoginRepoPort, forgetting',
    repos.loginsForEver,
    'forgets the logins that ended or expired before a time, with all their tokens, and no others',
    'lets a forgotten login write no more than an ended one',
    'forgets reset codes that expired before, a bounded number with each call',
    'can be asked by many at once',
  ],
  [
    'LoginRepoPort, forgetting',
    repos.hastilyForgottenLogins,
    'forgets the logins that ended or expired before a time, with all their tokens, and no others',
    'forgets a bounded number with each call, also of the tokens of one login',
    'forgets reset codes that expired before, a bounded number with each call',
  ],
  [
    'Writes for an actor',
    repos.writersOfEndlessLogins,
    ...actorWrites.map((name) => `${name} for nobody whose login is not live` as const),
    ...actorWrites.map((name) => `${name} for no login after its end is answered` as const),
  ],
  [
    'Writes for an actor',
    repos.invitationsOfAnyone,
    'makes and revokes an invitation for nobody whose role does not allow it',
    'makes and revokes no invitation after a removal is answered',
  ],
  [
    'SweepPort',
    repos.halfSweep,
    'finds the heads of the rooms asked for, and of no others',
    'finds the logins that ended after a time, however they ended',
  ],
  ['SettingsRepoPort', settings.forgetfulSettings, 'keeps what was set'],
  [
    'SettingsRepoPort',
    settings.hastySettings,
    'loses none of many changes made at once, and answers each with the settings after it',
  ],
  [
    'SettingsRepoPort',
    settings.wholesaleSettings,
    'leaves what a change does not name',
    'takes back what a change sets to null, and nothing else',
  ],
  [
    'SettingsRepoPort',
    settings.carelessSettings,
    'takes back what a change sets to null, and nothing else',
    'raises the version with each change, and by no reading',
    'hands out nothing by which the stored could be changed',
  ],
]

describe('a broken store fails its contract', () => {
  it.each(BREAKAGES.map((breakage) => [breakage[0], breakage[1].name, breakage] as const))(
    '%s: %s',
    async (suite, _name, [, make, ...behaviours]) => {
      const contract: Readonly<Record<string, (store: Store) => Promise<void>>> = storeContracts[suite]
      expect(await failuresOf(contract, make)).toEqual(expect.arrayContaining(behaviours))
    },
  )

  it.each(Object.keys(storeContracts))('%s has a broken store that fails it', (suite) => {
    expect(BREAKAGES.map(([broken]) => broken)).toContain(suite)
  })

  it('and a sound store fails nothing by being one of these', async () => {
    for (const contract of Object.values(storeContracts))
      expect(await failuresOf<Store>(contract, makeMemoryStore)).toEqual([])
  })
})

describe('broken processes fail their contract', () => {
  const breakages: readonly [() => ProcessesFixture, ...(keyof typeof storeProcessesContract)[]][] = [
    [
      processes.strangers,
      'lets a process find what another one committed',
      'opens one room for a client id that both are asked for at once',
      'loses no settings that both are asked to change at once',
    ],
    [processes.gossips, 'tells each process of its own commits alone'],
    [
      processes.believers,
      'commits no write of a login once another process has answered its end (input B11)',
    ],
  ]
  it.each(breakages.map(([make, ...behaviours]) => [make.name, make, behaviours] as const))(
    '%s',
    async (_name, make, behaviours) => {
      const failures = await failuresOf<ProcessesFixture>(storeProcessesContract, make)
      expect(failures).toEqual(expect.arrayContaining([...behaviours]))
    },
  )
})

describe('a broken mediator fails its contract', () => {
  it('TriggerHappyMediator', async () => {
    const fixture = () => ({ mediator: new TriggerHappyMediator(), budgetMs: 1_000 })
    expect(await failuresOf(mediatorContract, fixture)).toEqual([
      'gives a verdict of the agreed shape for any text',
      'points only at what is in the text',
      'lets a friendly text through',
    ])
  })
})
