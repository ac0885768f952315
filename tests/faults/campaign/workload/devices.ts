import type { HistoryWriter } from '../../checker/history-file.js'
import { TcpProxy } from '../../nemesis/tcp-proxy.js'
import type { Instance } from '../parts.js'
import { Account } from './account.js'
import { Device, type DeviceOptions } from './device.js'
import { inGroups } from './rooms.js'

export type DeviceSetup = Partial<Pick<DeviceOptions, 'at' | 'links' | 'tabOf'>>

/** All accounts and SDK clients of a run. */
export class Devices {
  private readonly byAccount = new Map<Account, Device[]>()
  private readonly shared: TcpProxy[] = []
  private made = 0
  private people = 0

  constructor(
    private readonly writer: HistoryWriter,
    private readonly instances: readonly Instance[],
    private readonly run: string,
    private readonly socketOptions: Readonly<Record<string, unknown>>,
  ) {}

  get all(): readonly Device[] {
    return [...this.byAccount.values()].flat()
  }

  readonly of = (account: Account): readonly Device[] => this.byAccount.get(account) ?? []

  /** Signs up so many people, spread over the instances. */
  signUp(count: number, prefix = 'p'): Promise<Account[]> {
    return inGroups(Array.from({ length: count }), 4, () => {
      this.people += 1
      const at = this.instances[this.people % this.instances.length] as Instance
      return Account.signUp(this.writer, `${prefix}${this.people}`, at, this.run)
    })
  }

  /** One more device of somebody, signed in; by default at the instances in turn, with a proxy of its own. */
  async add(account: Account, setup: DeviceSetup = {}): Promise<Device> {
    this.made += 1
    const { at = this.instances[this.made % this.instances.length] as Instance } = setup
    const { socketOptions } = this
    const options = { ...setup, name: `d${this.made}`, account, at, socketOptions }
    const device = await Device.open(this.writer, options, this.instances)
    this.byAccount.set(account, [...this.of(account), device])
    return device
  }

  /** Proxies for many devices at once, one an instance, by its name; they are closed with the devices. */
  async sharedLinks(): Promise<ReadonlyMap<string, TcpProxy>> {
    const links = new Map<string, TcpProxy>()
    for (const { name, url } of this.instances) {
      const link = await TcpProxy.start(url)
      this.shared.push(link)
      links.set(name, link)
    }
    return links
  }

  async close(): Promise<void> {
    await inGroups(this.all, 20, (device) => device.close())
    for (const link of this.shared) await link.close()
  }
}
