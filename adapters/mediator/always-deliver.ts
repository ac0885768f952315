import type { MediatorPort, Verdict } from '../../core/ports/mediator-port.js'

const DELIVER: Verdict = Object.freeze({
  action: 'deliver',
  risk: 'none',
  patterns: Object.freeze([]),
  explanation: '',
  tip: '',
  questions: Object.freeze([]),
  rewrites: Object.freeze([]),
  source: 'local',
  policyVersion: 'none',
})

/** Reads nothing and lets every text through: what stands in the path until there is a judge. */
export class AlwaysDeliver implements MediatorPort {
  async judge(): Promise<Verdict> {
    return DELIVER
  }
}
