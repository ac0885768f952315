import { unwrap } from '../../apps/testing/index.js'
import { invite, type RoomWorld } from './room-world.js'

/** A call that succeeds, and must append nothing to any room. */
export type SilentCall = (world: RoomWorld) => Promise<unknown>

const IP = '192.0.2.1'
const NEXT = 'another password altogether'

/** Every use case that writes to no room. */
export const SILENT = {
  signUp: async ({ system }) => system.signUpUser('Nia'),
  signIn: async ({ system, owner: { email, password } }) =>
    unwrap(await system.parley.signIn.execute({ email, password, userAgent: null, ip: IP })),
  refreshLogin: async ({ system, owner: { refreshToken } }) =>
    unwrap(await system.parley.refreshLogin.execute({ refreshToken, ip: IP })),
  signOut: async ({ system, member: { actor } }) => unwrap(await system.parley.signOut.execute({ actor })),
  changePassword: async ({ system, member: { actor, password } }) =>
    unwrap(await system.parley.changePassword.execute(actor, { current: password, next: NEXT })),
  resetPassword: async ({ system, member: { user, email } }) => {
    const { code } = unwrap(await system.parley.issuePasswordReset.execute({ userId: user.id }))
    return unwrap(await system.parley.resetPassword.execute({ email, code, next: NEXT, ip: IP }))
  },
  listLogins: async ({ system, owner }) => unwrap(await system.parley.listLogins.execute(owner.actor)),
  endLogin: async ({ system, owner: { actor } }) =>
    unwrap(await system.parley.endLogin.execute(actor, { loginId: actor.loginId })),
  getProfile: async ({ system, owner }) => unwrap(await system.parley.getProfile.execute(owner.actor)),
  authenticate: async ({ system, owner }) =>
    unwrap(await system.parley.authenticate.execute(owner.accessToken)),
  admitCaller: async ({ system }) => unwrap(await system.parley.admitCaller.execute({ ip: IP, to: 'http' })),
  issuePasswordReset: async ({ system, owner }) =>
    unwrap(await system.parley.issuePasswordReset.execute({ userId: owner.user.id })),
  setUserDisabled: async ({ system, member }) =>
    unwrap(await system.parley.setUserDisabled.execute({ userId: member.user.id, disabled: true })),
  endLoginByAdmin: async ({ system, member }) =>
    unwrap(await system.parley.endLoginByAdmin.execute({ loginId: member.actor.loginId })),
  getSettings: async ({ system }) => unwrap(await system.parley.getSettings.execute()),
  changeSettings: async ({ system }) =>
    unwrap(await system.parley.changeSettings.execute({ lifetimes: { messagesMs: 60_000 } })),
  forgetEndedLogins: async ({ system }) => system.parley.forgetEndedLogins.execute(),
  registerUser: async (world) => connect(world),
  disconnectUser: async (world) => {
    const socketId = await connect(world)
    const userId = world.owner.user.id
    return unwrap(await world.system.parley.disconnectUser.execute({ socketId, userId }))
  },
  findUserBySocket: async (world) => {
    const socketId = await connect(world)
    return unwrap(await world.system.parley.findUserBySocket.execute({ socketId }))
  },
  setPresence: async (world) => {
    const socketId = await connect(world)
    return unwrap(
      await world.system.parley.setPresence.execute(world.owner.actor, { socketId, state: 'away' }),
    )
  },
  reviewPresence: async ({ system }) => system.parley.reviewPresence.execute(),
  sweepPresence: async ({ system }) => system.parley.sweepPresence.execute(),
  listRooms: async ({ system, owner }) => unwrap(await system.parley.listRooms.execute(owner.actor, {})),
  listRoomIds: async ({ system, owner }) => unwrap(await system.parley.listRoomIds.execute(owner.actor, 10)),
  getRoom: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.getRoom.execute(owner.actor, { roomId })),
  listMembers: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.listMembers.execute(owner.actor, { roomId })),
  createInvitation: async ({ system, roomId, owner }) => invite(system, roomId, owner, 'member'),
  revokeInvitation: async ({ system, roomId, owner }) => {
    const code = await invite(system, roomId, owner, 'member')
    return unwrap(await system.parley.revokeInvitation.execute(owner.actor, { roomId, code }))
  },
  joinRoom: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.joinRoom.execute(owner.actor, { roomId }, async () => undefined)),
  syncRoom: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.syncRoom.execute(owner.actor, { roomId, since: 0 })),
  // A read marker is no event: it is told by a receipt.
  markRead: async ({ system, roomId, member }) =>
    unwrap(await system.parley.markRead.execute(member.actor, { roomId, seq: 20 })),
  reportStandings: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.reportStandings.execute([{ roomId, userId: owner.user.id }])),
  setTyping: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.setTyping.execute(owner.actor, { roomId, typing: true })),
  getRoomPresence: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.getRoomPresence.execute(owner.actor, { roomId })),
  listMessages: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.listMessages.execute(owner.actor, { roomId })),
  listMessagesAround: async (world) =>
    unwrap(await world.system.parley.listMessagesAround.execute(world.owner.actor, aMessage(world))),
  listMessageVersions: async (world) =>
    unwrap(await world.system.parley.listMessageVersions.execute(world.owner.actor, aMessage(world))),
  searchMessages: async ({ system, roomId, owner }) =>
    unwrap(await system.parley.searchMessages.execute(owner.actor, { roomId, q: 'message' })),
} satisfies Record<string, SilentCall>

const aMessage = ({ messages }: RoomWorld) => ({ messageId: messages[0]?.id ?? '' })

async function connect({ system, owner }: RoomWorld): Promise<string> {
  const socketId = 'socket-1'
  unwrap(await system.parley.registerUser.execute(owner.actor, { socketId }))
  return socketId
}
