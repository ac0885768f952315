import {
  type ClientOptions,
  createClient,
  type Observation,
  type ParleyClient,
} from '../../apps/client/index.js'

let people = 0

export const newEmail = (name: string): string => {
  people += 1
  return `${name.toLowerCase()}.${process.pid}.${Date.now()}.${people}@example.org`
}

/** A client with everything that its tester saw. */
export type Device = { readonly client: ParleyClient; readonly seen: Observation[] }

export function openDevice(options: ClientOptions): Device {
  const seen: Observation[] = []
  const observe = (observation: Observation): void => void seen.push(observation)
  return { client: createClient({ socketOptions: { transports: ['websocket'] }, ...options, observe }), seen }
}

export async function signUp(name: string, options: ClientOptions): Promise<Device> {
  const device = openDevice(options)
  await device.client.signUp({
    email: newEmail(name),
    password: 'a long and quiet sentence',
    displayName: name,
  })
  return device
}

export const userIdOf = ({ client }: Device): string => client.session.getSnapshot().user?.id ?? ''

/** What went out, by name. */
export const requests = ({ seen }: Device, name: string): Observation[] =>
  seen.filter((one) => one.kind === 'request' && one.name === name)
