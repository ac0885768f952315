import { type Json, PASSWORD } from '../../support/person.js'
import type { Outcome } from './calling.js'
import { asAdministrator, done, type Scene, STANDINGS, type Standing } from './cast.js'

export type Expected = Readonly<Record<Standing, Outcome>>

export type Case = {
  readonly when: string
  /** The input with which `who` calls; may prepare what the call needs. */
  readonly input: (scene: Scene, who: Standing) => Json | Promise<Json>
  readonly expected: Expected
  /**
   * What a call needs for itself: nothing, because it changes nothing (`shared`); a room; or people too, because it ends
   * logins or touches all rooms of its caller.
   */
  readonly needs: 'shared' | 'room' | 'people'
}

type Seven = readonly [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome, Outcome]

const row = (...outcomes: Seven): Expected =>
  Object.fromEntries(STANDINGS.map((standing, index) => [standing, outcomes[index]])) as Expected

const YES = 'ok'
const NO = 'FORBIDDEN'
const UNKNOWN = 'NOT_FOUND'
const WHO = 'UNAUTHENTICATED'

// In the order                owner      moderator  member     observer   former     non-member anonymous
const EVERYBODY = row(YES, YES, YES, YES, YES, YES, YES)
const SIGNED_IN = row(YES, YES, YES, YES, YES, YES, WHO)
const NOBODY = row(WHO, WHO, WHO, WHO, WHO, WHO, WHO)
const READERS = row(YES, YES, YES, YES, UNKNOWN, UNKNOWN, WHO)
const WRITERS = row(YES, YES, YES, NO, UNKNOWN, UNKNOWN, WHO)
const MODERATORS = row(YES, YES, NO, NO, UNKNOWN, UNKNOWN, WHO)
const OWNERS = row(YES, NO, NO, NO, UNKNOWN, UNKNOWN, WHO)
const NO_MEMBER = row(NO, NO, NO, NO, UNKNOWN, UNKNOWN, WHO)
const LEAVERS = row('CONFLICT', YES, YES, YES, UNKNOWN, UNKNOWN, WHO)

let counter = 0
const fresh = (prefix: string): string => {
  counter += 1
  return `${prefix}-${process.pid}-${counter}`
}

/** Who has no account of the cast acts, where an operation needs one, on that of the bystander. */
const person = ({ cast }: Scene, who: Standing) => cast[who === 'anonymous' ? 'bystander' : who]

const own = ({ messages }: Scene, who: Standing): string =>
  messages[who === 'anonymous' || who === 'non-member' ? 'bystander' : who]

const room = ({ roomId }: Scene): Json => ({ roomId })
const ownMessage = (scene: Scene, who: Standing): Json => ({ messageId: own(scene, who) })
const othersMessage = ({ messages }: Scene): Json => ({ messageId: messages.bystander })

type Input = Case['input']

const always = (expected: Expected, input: Input, needs: Case['needs'] = 'room'): readonly Case[] => [
  { when: 'called', input, expected, needs },
]

const sessionIn = async (scene: Scene, who: Standing): Promise<string> => {
  const { sessions } = await done(person(scene, who), 'GET', '/auth/sessions')
  return String((sessions as readonly { id: string }[])[0]?.id)
}

const resetCode = async ({ url }: Scene, userId: string): Promise<string> =>
  String((await asAdministrator(url, 'POST', `/users/${userId}/password-reset`, {})).body.code)

const ACCOUNTS = {
  signUp: always(
    EVERYBODY,
    () => ({ email: `${fresh('new')}@example.org`, password: PASSWORD, displayName: 'New' }),
    'shared',
  ),
  signIn: always(
    EVERYBODY,
    (scene, who) => ({ email: person(scene, who).email, password: PASSWORD }),
    'shared',
  ),
  // The refresh token is what speaks for the caller; who has none is nobody.
  refresh: always(
    SIGNED_IN,
    (scene, who) => (who === 'anonymous' ? {} : { refreshToken: person(scene, who).refreshToken }),
    'people',
  ),
  signOut: always(SIGNED_IN, () => ({}), 'people'),
  changePassword: always(SIGNED_IN, () => ({ current: PASSWORD, next: `${PASSWORD} indeed` }), 'people'),
  resetPassword: always(
    EVERYBODY,
    async (scene, who) => {
      const { email, userId } = person(scene, who)
      return { email, code: await resetCode(scene, userId), next: `${PASSWORD} again` }
    },
    'people',
  ),
  listSessions: always(SIGNED_IN, () => ({}), 'shared'),
  endSession: [
    {
      when: 'of oneself',
      input: async (scene, who) => ({ sessionId: await sessionIn(scene, who) }),
      expected: SIGNED_IN,
      needs: 'people',
    },
    {
      when: 'of somebody else',
      input: async (scene) => ({ sessionId: await sessionIn(scene, 'anonymous') }),
      expected: row(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, WHO),
      needs: 'shared',
    },
  ],
  getProfile: always(SIGNED_IN, () => ({}), 'shared'),
  updateProfile: always(SIGNED_IN, () => ({ displayName: 'Renamed', mediation: 'off' }), 'people'),
} satisfies Record<string, readonly Case[]>

const ROOMS = {
  createRoom: always(SIGNED_IN, () => ({ name: 'One more' }), 'shared'),
  listRooms: always(SIGNED_IN, () => ({}), 'shared'),
  getRoom: always(READERS, room, 'shared'),
  updateRoom: always(MODERATORS, (scene) => ({ ...room(scene), name: 'Another name', mediation: 'advise' })),
  listEvents: always(READERS, (scene) => ({ ...room(scene), since: 0 }), 'shared'),
  joinRoom: always(READERS, room, 'shared'),
  // It only stops what this socket gets, so it tells nothing and is refused to nobody.
  leaveRoom: always(SIGNED_IN, room, 'shared'),
  markRead: always(READERS, (scene) => ({ ...room(scene), seq: 3 })),
} satisfies Record<string, readonly Case[]>

const MEMBERS = {
  listMembers: always(READERS, room, 'shared'),
  changeMemberRole: [
    {
      when: 'of somebody else',
      input: ({ roomId, cast }) => ({ roomId, userId: cast.bystander.userId, role: 'moderator' }),
      expected: OWNERS,
      needs: 'room',
    },
    {
      when: 'of oneself, upwards',
      input: (scene, who) => ({ ...room(scene), userId: person(scene, who).userId, role: 'owner' }),
      expected: OWNERS,
      needs: 'room',
    },
  ],
  removeMember: [
    {
      when: 'somebody else, a member',
      input: ({ roomId, cast }) => ({ roomId, userId: cast.bystander.userId }),
      expected: MODERATORS,
      needs: 'room',
    },
    {
      when: 'oneself',
      input: (scene, who) => ({ ...room(scene), userId: person(scene, who).userId }),
      expected: LEAVERS,
      needs: 'room',
    },
  ],
  createInvitation: always(MODERATORS, (scene) => ({ ...room(scene), role: 'member' })),
  revokeInvitation: always(MODERATORS, ({ roomId, code }) => ({ roomId, code })),
  acceptInvitation: always(SIGNED_IN, ({ code }) => ({ code })),
} satisfies Record<string, readonly Case[]>

const onOwnAndOthers = (expected: { own: Expected; others: Expected }, more: Json): readonly Case[] => [
  {
    when: 'one’s own',
    input: (scene, who) => ({ ...ownMessage(scene, who), ...more }),
    expected: expected.own,
    needs: 'room',
  },
  {
    when: 'another’s',
    input: (scene) => ({ ...othersMessage(scene), ...more }),
    expected: expected.others,
    needs: 'room',
  },
]

const MESSAGES = {
  sendMessage: [
    {
      when: 'new',
      input: (scene) => ({ ...room(scene), clientMessageId: fresh('sent'), text: 'Good morning.' }),
      expected: WRITERS,
      needs: 'room',
    },
    {
      when: 'as a reply',
      input: ({ roomId, messages }) => ({
        roomId,
        clientMessageId: fresh('reply'),
        text: 'Good morning to you.',
        replyTo: messages.bystander,
      }),
      expected: WRITERS,
      needs: 'room',
    },
  ],
  editMessage: onOwnAndOthers({ own: WRITERS, others: NO_MEMBER }, { text: 'Said otherwise.' }),
  deleteMessage: onOwnAndOthers({ own: WRITERS, others: MODERATORS }, {}),
  react: onOwnAndOthers({ own: WRITERS, others: WRITERS }, { emoji: '👍', on: true }),
  addReaction: always(WRITERS, (scene) => ({ ...othersMessage(scene), emoji: '👍' })),
  removeReaction: always(WRITERS, (scene) => ({ ...othersMessage(scene), emoji: '👍' })),
  flag: onOwnAndOthers({ own: NO_MEMBER, others: WRITERS }, { on: true, reason: 'It hurts.' }),
  addFlag: onOwnAndOthers({ own: NO_MEMBER, others: WRITERS }, { reason: 'It hurts.' }),
  removeFlag: always(WRITERS, othersMessage),
  listMessages: always(READERS, room, 'shared'),
  listMessagesAround: always(READERS, othersMessage, 'shared'),
  listMessageVersions: always(READERS, othersMessage, 'shared'),
  searchMessages: always(READERS, (scene) => ({ ...room(scene), q: 'said' }), 'shared'),
} satisfies Record<string, readonly Case[]>

const PRESENCE = {
  getRoomPresence: always(READERS, room, 'shared'),
  setPresence: always(SIGNED_IN, () => ({ state: 'away' }), 'shared'),
  setTyping: always(WRITERS, (scene) => ({ ...room(scene), typing: true }), 'shared'),
  renewToken: always(SIGNED_IN, (scene, who) => ({ token: person(scene, who).accessToken }), 'shared'),
} satisfies Record<string, readonly Case[]>

/** A user's token is no administrator's, whatever the user is in any room. */
const ADMINISTRATION = {
  getOverview: always(NOBODY, () => ({}), 'shared'),
  getSettings: always(NOBODY, () => ({}), 'shared'),
  changeSettings: always(NOBODY, () => ({ lifetimes: { messagesMs: 60_000 } }), 'shared'),
  setUserDisabled: always(
    NOBODY,
    ({ cast }) => ({ userId: cast.bystander.userId, disabled: true }),
    'shared',
  ),
  endSessionByAdministrator: always(
    NOBODY,
    async (scene) => ({ sessionId: await sessionIn(scene, 'anonymous') }),
    'shared',
  ),
  issuePasswordReset: always(NOBODY, ({ cast }) => ({ userId: cast.bystander.userId }), 'shared'),
} satisfies Record<string, readonly Case[]>

/**
 * The role table of the contract, by hand, for every operation: how it is called and what each is answered. It must not be
 * computed from the roles of the core, or it could not contradict them.
 */
export const ROLE_TABLE: Readonly<Record<string, readonly Case[]>> = {
  ...ACCOUNTS,
  ...ROOMS,
  ...MEMBERS,
  ...MESSAGES,
  ...PRESENCE,
  ...ADMINISTRATION,
}

export const casesOf = (operationId: string): readonly Case[] => ROLE_TABLE[operationId] ?? []
