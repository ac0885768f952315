import type { Parley, ParleyPorts } from '../../../core/parley.js'

/** A process of a deployment. */
export type Member = { readonly parley: Parley; readonly ports: ParleyPorts }

/** Processes that work together, whatever they have for it. */
export type Deployment = {
  /** What changes things, and is cut off where one of them is. */
  readonly one: Member
  readonly other: Member
  /** Another process, which remembers nothing. */
  readonly boot: () => Promise<Member>
  /** What is to go wrong in the midst of it goes wrong. */
  readonly befall: () => Promise<void>
  /** All is well again, and everything that was given up is used. */
  readonly mend: () => Promise<void>
}
