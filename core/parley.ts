import { type CacheLifetimes, DEFAULT_LIFETIMES } from './domain/cache-lifetimes.js'
import type { AccountRepoPort, LoginRepoPort } from './ports/account-repo-port.js'
import type { BusPort } from './ports/bus-port.js'
import type { CachePort } from './ports/cache-port.js'
import type { ClockPort } from './ports/clock-port.js'
import type { IdPort } from './ports/id-port.js'
import type { MediatorPort } from './ports/mediator-port.js'
import type { MessageRepoPort } from './ports/message-repo-port.js'
import type { NoticePort } from './ports/notice-port.js'
import type { PasswordPort } from './ports/password-port.js'
import type { PresencePort } from './ports/presence-port.js'
import type { RateLimitPort } from './ports/rate-limit-port.js'
import type { RoomLogPort } from './ports/room-log-port.js'
import type { InvitationRepoPort, RoomRepoPort } from './ports/room-repo-port.js'
import type { SessionPort } from './ports/session-port.js'
import type { SettingsRepoPort } from './ports/settings-repo-port.js'
import type { SweepPort } from './ports/sweep-port.js'
import type { TokenPort } from './ports/token-port.js'
import { AdmitCaller } from './use-cases/accounts/admit-caller.js'
import { Authenticate } from './use-cases/accounts/authenticate.js'
import { ChangePassword } from './use-cases/accounts/change-password.js'
import { EndLogin } from './use-cases/accounts/end-login.js'
import { EndLoginByAdmin } from './use-cases/accounts/end-login-by-admin.js'
import { ForgetEndedLogins } from './use-cases/accounts/forget-ended-logins.js'
import { GetProfile } from './use-cases/accounts/get-profile.js'
import { IssuePasswordReset } from './use-cases/accounts/issue-password-reset.js'
import { ListLogins } from './use-cases/accounts/list-logins.js'
import { RefreshLogin } from './use-cases/accounts/refresh-login.js'
import { ResetPassword } from './use-cases/accounts/reset-password.js'
import { SetUserDisabled } from './use-cases/accounts/set-user-disabled.js'
import { SignIn } from './use-cases/accounts/sign-in.js'
import { SignOut } from './use-cases/accounts/sign-out.js'
import { SignUp } from './use-cases/accounts/sign-up.js'
import { UpdateProfile } from './use-cases/accounts/update-profile.js'
import { LoginFeed } from './use-cases/feed/login-feed.js'
import { RoomFeed } from './use-cases/feed/room-feed.js'
import { SettingsFeed } from './use-cases/feed/settings-feed.js'
import { Sweeper } from './use-cases/feed/sweeper.js'
import { DeleteMessage } from './use-cases/messages/delete-message.js'
import { EditMessage } from './use-cases/messages/edit-message.js'
import { FlagMessage } from './use-cases/messages/flag-message.js'
import { ListMessageVersions } from './use-cases/messages/list-message-versions.js'
import { ListMessages } from './use-cases/messages/list-messages.js'
import { ListMessagesAround } from './use-cases/messages/list-messages-around.js'
import { NewestPages } from './use-cases/messages/newest-pages.js'
import { ReactToMessage } from './use-cases/messages/react-to-message.js'
import { SearchMessages } from './use-cases/messages/search-messages.js'
import { SendMessage } from './use-cases/messages/send-message.js'
import { GetRoomPresence } from './use-cases/presence/get-room-presence.js'
import { PresenceTelling } from './use-cases/presence/presence-telling.js'
import { ReviewPresence } from './use-cases/presence/review-presence.js'
import { SetPresence } from './use-cases/presence/set-presence.js'
import { SetTyping } from './use-cases/presence/set-typing.js'
import { SweepPresence } from './use-cases/presence/sweep-presence.js'
import { AcceptInvitation } from './use-cases/rooms/accept-invitation.js'
import { ChangeMemberRole } from './use-cases/rooms/change-member-role.js'
import { CreateInvitation } from './use-cases/rooms/create-invitation.js'
import { CreateRoom } from './use-cases/rooms/create-room.js'
import { GetRoom } from './use-cases/rooms/get-room.js'
import { JoinRoom } from './use-cases/rooms/join-room.js'
import { KnownAccess } from './use-cases/rooms/known-access.js'
import { ListMembers } from './use-cases/rooms/list-members.js'
import { ListRoomIds } from './use-cases/rooms/list-room-ids.js'
import { ListRooms } from './use-cases/rooms/list-rooms.js'
import { MarkRead } from './use-cases/rooms/mark-read.js'
import { RemoveMember } from './use-cases/rooms/remove-member.js'
import { ReportStandings } from './use-cases/rooms/report-standings.js'
import { RevokeInvitation } from './use-cases/rooms/revoke-invitation.js'
import { RoomReaders } from './use-cases/rooms/room-readers.js'
import { SyncRoom } from './use-cases/rooms/sync-room.js'
import { UpdateRoom } from './use-cases/rooms/update-room.js'
import { DisconnectUser } from './use-cases/sessions/disconnect-user.js'
import { FindUserBySocket } from './use-cases/sessions/find-user-by-socket.js'
import type { LiveSockets } from './use-cases/sessions/live-sockets.js'
import { RegisterUser } from './use-cases/sessions/register-user.js'
import { ChangeSettings } from './use-cases/settings/change-settings.js'
import { GetSettings } from './use-cases/settings/get-settings.js'

/** Everything that the use cases need of the world outside. */
export type ParleyPorts = {
  readonly accounts: AccountRepoPort
  readonly logins: LoginRepoPort
  readonly log: RoomLogPort
  readonly rooms: RoomRepoPort
  readonly invitations: InvitationRepoPort
  readonly messages: MessageRepoPort
  readonly sweep: SweepPort
  readonly storedSettings: SettingsRepoPort
  readonly sessions: SessionPort
  readonly presence: PresencePort
  readonly cache: CachePort
  readonly limits: RateLimitPort
  /** For what comes before anything is known of a caller: may count in this process alone, so that a flood asks no store. */
  readonly localLimits: RateLimitPort
  readonly bus: BusPort
  readonly mediator: MediatorPort
  readonly notices: NoticePort
  readonly passwords: PasswordPort
  readonly tokens: TokenPort
  readonly clock: ClockPort
  readonly ids: IdPort
}

export type ParleySettings = {
  /** Absolute lifetime of a login, whatever is refreshed meanwhile. */
  readonly sessionMaxMs: number
  /**
   * How long caches keep what they hold, where operators have set nothing else (`changeSettings`); read with each fill, so
   * that whoever passes the object may change it at any time.
   */
  readonly lifetimes: Readonly<CacheLifetimes>
}

const DEFAULTS: ParleySettings = { sessionMaxMs: 30 * 86_400_000, lifetimes: DEFAULT_LIFETIMES }

export type Parley = ReturnType<typeof createParley>

/**
 * The product as plain objects: one instance of each use case over the given adapters, and the feeds. Use cases work at
 * once; `start` is for a process that delivers events or honours tokens, and `stop` ends what `start` began.
 */
export function createParley(ports: ParleyPorts, settings: Partial<ParleySettings> = {}) {
  const loginFeed = new LoginFeed(ports)
  const roomFeed = new RoomFeed(ports)
  const sweeper = new Sweeper(ports, { rooms: roomFeed, logins: loginFeed })
  const { lifetimes, ...given } = { ...DEFAULTS, ...settings }
  const settingsFeed = new SettingsFeed(ports, lifetimes)
  const liveSockets: LiveSockets = new Map()
  const telling = new PresenceTelling({ ...ports, liveSockets })
  const known = { ...given, lifetimes: settingsFeed.lifetimes }
  const all = { ...ports, loginFeed, liveSockets, telling, settings: known }
  const reading = { ...ports, roomFeed, lifetimes: known.lifetimes }
  const accounts = accountUseCases(all)
  return {
    ...accounts,
    getSettings: new GetSettings({ ...ports, settingsFeed }),
    changeSettings: new ChangeSettings({ ...ports, settingsFeed }),
    ...roomUseCases(ports),
    ...messageUseCases({
      ...ports,
      knownAccess: new KnownAccess(ports.rooms, roomFeed),
      roomReaders: new RoomReaders(reading),
      newestPages: new NewestPages(reading),
    }),
    loginFeed,
    roomFeed,
    /** In force; a field may be another one the next time it is read. */
    lifetimes: settingsFeed.lifetimes,
    /** Subscribes to the bus and learns where the store stands; rejects when the store cannot be read. */
    async start(): Promise<void> {
      await Promise.all([loginFeed.start(), roomFeed.start(), settingsFeed.start()])
      // So that every change of presence from here on is found.
      await Promise.all([sweeper.start(), accounts.reviewPresence.execute()])
      ports.bus.onGap(() => telling.doubt())
    },
    stop(): void {
      sweeper.stop()
      settingsFeed.stop()
    },
  }
}

type AccountPorts = ParleyPorts & {
  loginFeed: LoginFeed
  liveSockets: LiveSockets
  telling: PresenceTelling
  settings: ParleySettings
}

function accountUseCases(ports: AccountPorts) {
  return {
    signUp: new SignUp(ports),
    signIn: new SignIn(ports),
    refreshLogin: new RefreshLogin(ports),
    signOut: new SignOut(ports),
    changePassword: new ChangePassword(ports),
    resetPassword: new ResetPassword(ports),
    listLogins: new ListLogins(ports),
    endLogin: new EndLogin(ports),
    getProfile: new GetProfile(ports),
    updateProfile: new UpdateProfile(ports),
    authenticate: new Authenticate(ports),
    admitCaller: new AdmitCaller({ limits: ports.localLimits }),
    issuePasswordReset: new IssuePasswordReset(ports),
    setUserDisabled: new SetUserDisabled(ports),
    endLoginByAdmin: new EndLoginByAdmin(ports),
    forgetEndedLogins: new ForgetEndedLogins(ports),
    registerUser: new RegisterUser(ports),
    disconnectUser: new DisconnectUser(ports),
    findUserBySocket: new FindUserBySocket(ports),
    setPresence: new SetPresence(ports),
    sweepPresence: new SweepPresence(ports),
    reviewPresence: new ReviewPresence(ports),
  }
}

function roomUseCases(ports: ParleyPorts) {
  return {
    createRoom: new CreateRoom(ports),
    listRooms: new ListRooms(ports),
    listRoomIds: new ListRoomIds(ports),
    getRoom: new GetRoom(ports),
    updateRoom: new UpdateRoom(ports),
    listMembers: new ListMembers(ports),
    changeMemberRole: new ChangeMemberRole(ports),
    removeMember: new RemoveMember(ports),
    createInvitation: new CreateInvitation(ports),
    revokeInvitation: new RevokeInvitation(ports),
    acceptInvitation: new AcceptInvitation(ports),
    joinRoom: new JoinRoom(ports),
    syncRoom: new SyncRoom(ports),
    markRead: new MarkRead(ports),
    reportStandings: new ReportStandings(ports),
    setTyping: new SetTyping(ports),
    getRoomPresence: new GetRoomPresence(ports),
  }
}

type MessagePorts = ParleyPorts & {
  knownAccess: KnownAccess
  roomReaders: RoomReaders
  newestPages: NewestPages
}

function messageUseCases(ports: MessagePorts) {
  return {
    sendMessage: new SendMessage(ports),
    editMessage: new EditMessage(ports),
    deleteMessage: new DeleteMessage(ports),
    reactToMessage: new ReactToMessage(ports),
    flagMessage: new FlagMessage(ports),
    listMessages: new ListMessages(ports),
    listMessagesAround: new ListMessagesAround(ports),
    listMessageVersions: new ListMessageVersions(ports),
    searchMessages: new SearchMessages(ports),
  }
}
