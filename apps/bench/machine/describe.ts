import { arch, cpus, platform, release, totalmem } from 'node:os'
import { coreOf, unpinnedBecause } from './pinning.js'
import type { Workspace } from './workspace.js'

export type Machine = {
  readonly cores: number
  readonly processor: string
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  readonly at: string
  /** What makes the figures less than they should be. */
  readonly remarks: readonly string[]
}

export function describeMachine({ inMemory }: Workspace): Machine {
  const remarks = []
  if (unpinnedBecause !== null) remarks.push(`Server and load share all cores: ${unpinnedBecause}.`)
  if (inMemory) remarks.push('The temporary folder is in memory, so no commit reaches a disk.')
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    at: new Date().toISOString(),
    remarks,
  }
}

export function machineLines(machine: Machine): string[] {
  const { cores, processor, memoryGiB, system, node, remarks, at } = machine
  const pinned =
    unpinnedBecause === null
      ? `Servers and their databases run on core ${coreOf('server')}, the load on core ${coreOf('load')}.`
      : 'Nothing is pinned.'
  return [
    `${cores} cores (${processor}), ${memoryGiB} GiB, ${system}, Node ${node}, ${at}.`,
    pinned,
    ...remarks.map((remark) => `Note: ${remark}`),
  ]
}
