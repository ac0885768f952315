import { vi } from 'vitest'
import { environmentOf } from '../../apps/client/environment.js'
import { ParleyError } from '../../apps/client/errors.js'
import { StoredOutbox } from '../../apps/client/outbox.js'
import { memoryStorage } from '../../apps/client/storage.js'
import type { Message } from '../../apps/client/wire.js'
import { type Call, ScriptedLink } from './scripted-link.js'

export const ROOM = 'room-1'

/** A server that stores each id once, in the order in which the ids first come. */
class Server {
  readonly stored: string[] = []
  readonly texts: string[] = []

  store({ payload, answer }: Call): void {
    const { clientMessageId, text } = payload as { clientMessageId: string; text: string }
    if (!this.stored.includes(clientMessageId)) {
      this.stored.push(clientMessageId)
      this.texts.push(text)
    }
    const seq = this.stored.indexOf(clientMessageId) + 1
    answer({ status: 'delivered', message: { clientMessageId, text, seq, roomId: ROOM }, verdict: null })
  }
}

type Tab = { readonly link: ScriptedLink; readonly outbox: StoredOutbox; readonly acked: string[] }

/** Tabs with one storage, at one server. */
export class OutboxTabs {
  readonly server = new Server()
  readonly storage = memoryStorage()
  clockMs = Date.parse('2026-01-01T00:00:00Z')
  private readonly all: Tab[] = []

  open(userId = 'user-1', online = true): Tab {
    const link = new ScriptedLink()
    link.online = online
    link.onCall = (call) => this.server.store(call)
    const acked: string[] = []
    const outbox = new StoredOutbox({
      link: link.asLink,
      storage: this.storage,
      environment: environmentOf({ random: () => 0.5, nowMs: () => this.clockMs }),
      onDelivered: ({ text }: Message) => acked.push(text),
    })
    outbox.open(userId)
    const tab = { link, outbox, acked }
    this.all.push(tab)
    return tab
  }

  close(): void {
    for (const { outbox } of this.all) outbox.close()
  }
}

export function goOnline({ link, outbox }: Tab): void {
  link.online = true
  outbox.wake()
}

export function goOffline({ link, outbox }: Tab): void {
  link.online = false
  outbox.sleep()
  for (const call of link.calls) call.refuse(new ParleyError('DISCONNECTED', 'gone', { uncertain: true }))
}

export const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
export const states = ({ outbox }: Tab): string[] =>
  outbox.getSnapshot().map(({ state, text }) => `${state} ${text}`)
