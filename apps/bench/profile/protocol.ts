import type { Latencies } from '../load/protocol.js'

export type AgentRequest =
  | { readonly type: 'collect' }
  | { readonly type: 'start' }
  | { readonly type: 'stop'; readonly file: string }

export type AgentReply =
  | { readonly type: 'collected' }
  | { readonly type: 'started' }
  | { readonly type: 'stopped'; readonly loopDelayMs: Latencies }
