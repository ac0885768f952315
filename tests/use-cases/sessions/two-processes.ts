import type { SignedIn } from '../../../core/use-cases/accounts/signed-in.js'
import { actorOf, type Options, type System, signUp, startDeployment, unwrap } from '../accounts/system.js'

type Process = Pick<System, 'parley' | 'ports' | 'notices'>

export const connect = ({ parley }: Process, signedIn: SignedIn, socketId: string) =>
  parley.registerUser.execute(actorOf(signedIn), { socketId })

export const disconnect = ({ parley }: Process, { user }: SignedIn, socketId: string) =>
  parley.disconnectUser.execute({ socketId, userId: user.id })

export const find = ({ parley }: Process, socketId: string) => parley.findUserBySocket.execute({ socketId })

export const states = ({ notices }: Process): readonly string[] =>
  notices.flatMap((notice) => (notice.type === 'presence' ? [notice.state] : []))

/** Two processes of one deployment, and Ann, who has a room of her own. */
export async function startTwo(options: Options = {}) {
  const { startProcess, clock, database } = startDeployment()
  const one = startProcess(options)
  const other = startProcess()
  const ann = await signUp(one)
  const room = unwrap(await one.parley.createRoom.execute(actorOf(ann), { name: 'Home' }))
  return { clock, database, one, other, ann, room }
}
