import type { Draft, MediatorPort, Verdict } from '../../../core/ports/mediator-port.js'

/** Broken on purpose: holds whatever is not short, and points past the end of the text. */
export class TriggerHappyMediator implements MediatorPort {
  async judge({ text }: Draft): Promise<Verdict> {
    return {
      action: text.length < 10 ? 'deliver' : 'hold',
      risk: 'high',
      patterns: [{ id: 'all', span: [0, text.length + 1], note: 'everything' }],
      explanation: '',
      tip: '',
      questions: ['', '', '', ''],
      rewrites: [],
      source: 'local',
      policyVersion: '1',
    }
  }
}
