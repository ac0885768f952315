import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ClientStorage,
  createClient,
  memoryStorage,
  type ParleyClient,
  type RoomHandle,
} from '../../../../apps/client/index.js'
import type { Caller } from '../../checker/history.js'
import type { HistoryWriter } from '../../checker/history-file.js'
import { type Tap, TcpProxy } from '../../nemesis/tcp-proxy.js'
import type { Instance } from '../parts.js'
import type { Account } from './account.js'
import { observeSdk } from './observe-sdk.js'
import { RenderLog } from './render-log.js'

export type DeviceOptions = {
  readonly name: string
  readonly account: Account
  readonly at: Instance
  /** Proxies by instance name, which it shares with others; by default it has its own, so that a fault may cut it alone. */
  readonly links?: ReadonlyMap<string, TcpProxy>
  /** It is one more tab of the same browser, with the same login and outbox. */
  readonly tabOf?: Device
  readonly socketOptions: Readonly<Record<string, unknown>>
}

type Connected = Caller & { readonly conn: string }

/** One device of a user: an SDK client that is in some rooms, at one instance at a time. */
export class Device {
  readonly client: ParleyClient
  readonly storage: ClientStorage
  /** The rooms that are open here. */
  readonly rooms = new Map<string, RoomHandle>()
  private readonly renders = new Map<string, RenderLog>()
  private readonly links = new Map<string, TcpProxy>()
  /** By the URL that the client knows. */
  private readonly instancesByUrl = new Map<string, Instance>()
  /** By name, with who opened it. */
  private readonly openConnections = new Map<string, Connected>()
  private home: Instance
  private hasVanished = false
  private moved = 0
  private isOver = false
  private session: string

  private constructor(
    private readonly writer: HistoryWriter,
    private readonly options: DeviceOptions,
  ) {
    this.home = options.at
    this.session = ''
    this.storage = options.tabOf?.storage ?? memoryStorage()
    const observe = observeSdk(writer, (url) => this.identity(url), {
      onConnection: (state, caller) => this.connection(state, caller),
      roomOfMessage: (messageId) => [...this.renders].find(([, log]) => log.shows(messageId))?.[0],
    })
    this.client = createClient({
      url: () => this.urlOf(this.home),
      storage: this.storage,
      observe: (seen) => {
        if (!this.isOver) observe(seen)
      },
      socketOptions: { ...options.socketOptions },
    })
  }

  static async open(
    writer: HistoryWriter,
    options: DeviceOptions,
    instances: readonly Instance[],
  ): Promise<Device> {
    const device = new Device(writer, options)
    try {
      for (const instance of instances) await device.linkTo(instance)
      await device.enter()
      return device
    } catch (error) {
      await device.close()
      throw error
    }
  }

  get name(): string {
    return this.options.name
  }

  get account(): Account {
    return this.options.account
  }

  get at(): Instance {
    return this.home
  }

  /** The proxy to the instance that it is at. */
  get link(): TcpProxy {
    const link = this.links.get(this.home.name)
    if (link === undefined) throw new Error(`${this.name} has no proxy`)
    return link
  }

  /** Its network is gone, and nobody does anything with it meanwhile. */
  get isAway(): boolean {
    return this.hasVanished
  }

  /** No FIN, no RST reaches any server, and nothing of it gets through to one until it comes back. */
  async vanish(): Promise<void> {
    this.hasVanished = true
    for (const link of this.links.values()) {
      await link.set({ is: 'half-open' })
      await link.set({ is: 'frozen' })
    }
  }

  async comeBack(): Promise<void> {
    for (const link of this.links.values()) await link.set({ is: 'up' })
    this.hasVanished = false
  }

  /** On its proxies to all instances; null: everything passes. */
  tapLinks(newTap: (() => Tap) | null): void {
    for (const link of this.links.values()) link.tapWith(newTap)
  }

  /** Names of its connections that are open as far as it knows. */
  get connections(): readonly string[] {
    return [...this.openConnections.keys()]
  }

  /** From now on nothing reaches it over those that are open, which it may not notice for a while. */
  loseConnections(): void {
    for (const conn of this.connections) this.lose(conn)
  }

  get isOnline(): boolean {
    return this.client.connection.getSnapshot().status === 'online'
  }

  get isSignedIn(): boolean {
    return this.client.session.getSnapshot().status === 'signed-in'
  }

  get sessionName(): string {
    return this.session
  }

  private async enter(): Promise<void> {
    const { tabOf } = this.options
    if (tabOf === undefined) return await this.signIn()
    this.session = tabOf.session
    await this.client.resume()
  }

  /** With a login of its own, a new one after the last has ended. */
  async signIn(): Promise<void> {
    if (this.isSignedIn) return
    this.session = this.account.nextSession()
    const { email, password } = this.account
    await this.client.signIn({ email, password })
  }

  /** Tries for a minute, as a user does whose server is away. */
  async signInUntilItWorks(): Promise<void> {
    for (let tries = 0; tries < 60 && !this.isSignedIn; tries += 1)
      await this.signIn().catch(() => sleep(1_000))
  }

  /** Whether it is, a minute from now at the latest: whoever ended its login signs it in again. */
  async isSignedInSoon(): Promise<boolean> {
    for (let looks = 0; looks < 60 && !this.isSignedIn; looks += 1) await sleep(1_000)
    return this.isSignedIn
  }

  /** Whether it has learnt that its login has ended, a minute from now at the latest. */
  async isSignedOutSoon(): Promise<boolean> {
    for (let looks = 0; looks < 240 && this.isSignedIn; looks += 1) await sleep(250)
    return !this.isSignedIn
  }

  /** To another instance, as a client does whose load balancer sends it elsewhere. */
  moveTo(instance: Instance): void {
    this.moved += 1
    this.home = instance
    this.client.reconnect()
  }

  /** How often it went to another instance by itself. */
  get moves(): number {
    return this.moved
  }

  /** Where it goes when it next connects. */
  aimAt(instance: Instance): void {
    this.home = instance
  }

  openRoom(roomId: string): RoomHandle {
    const known = this.rooms.get(roomId)
    if (known !== undefined) return known
    const handle = this.client.openRoom(roomId)
    this.rooms.set(roomId, handle)
    const log = this.renders.get(roomId) ?? new RenderLog(this.writer, this, roomId)
    this.renders.set(roomId, log)
    log.follow(handle)
    return handle
  }

  closeRoom(roomId: string): void {
    this.renders.get(roomId)?.rest()
    this.rooms.get(roomId)?.close()
    this.rooms.delete(roomId)
  }

  /** After a login ended, and with it the rooms. */
  openRoomsAgain(): void {
    for (const [roomId, handle] of this.rooms) {
      if (handle.getSnapshot().status !== 'ended') continue
      this.closeRoom(roomId)
      this.openRoom(roomId)
    }
  }

  /** The newest seq of a room that this device knows of. */
  headOf(roomId: string): number {
    return this.rooms.get(roomId)?.getSnapshot().headSeq ?? 0
  }

  /** Writes all that is shown, as the last word. */
  renderAll(): void {
    for (const [roomId, log] of this.renders) if (this.rooms.has(roomId)) log.writeAll()
  }

  /** Nothing that happens from here on is part of the history. */
  leaveHistory(): void {
    this.isOver = true
    for (const log of this.renders.values()) log.rest()
  }

  async close(): Promise<void> {
    this.leaveHistory()
    await this.client.close()
    if (this.options.links === undefined) for (const link of this.links.values()) await link.close()
  }

  private async linkTo(instance: Instance): Promise<void> {
    const shared = this.options.links?.get(instance.name)
    const link = shared ?? (await TcpProxy.start(instance.url))
    this.links.set(instance.name, link)
    this.instancesByUrl.set(link.url, instance)
  }

  private urlOf({ name, url }: Instance): string {
    return this.links.get(name)?.url ?? url
  }

  private identity(url: string): Omit<Caller, 'conn'> {
    const instance = this.instancesByUrl.get(url) ?? this.home
    return { client: this.name, user: this.account.userId, session: this.session, instance: instance.name }
  }

  private connection(state: 'open' | 'closed' | 'refused', caller: Caller): void {
    const { conn } = caller
    if (conn === null || state === 'refused') return
    if (state === 'open') {
      this.openConnections.set(conn, { ...caller, conn })
      this.writer.connected({ ...caller, conn })
    } else this.lose(conn)
  }

  private lose(conn: string): void {
    const lost = this.openConnections.get(conn)
    if (lost !== undefined) this.writer.disconnected(lost)
    this.openConnections.delete(conn)
  }
}
