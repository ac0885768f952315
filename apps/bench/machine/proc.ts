import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second in /proc; 100 on every Linux that Node runs on. */
const TICKS = 100

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** The fields of /proc/PID/stat behind the name, which may itself hold spaces and brackets. */
function statOf(pid: number): string[] | null {
  const text = read(`/proc/${pid}/stat`)
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** The process and all below it. Empty where there is no /proc. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  let entries: string[]
  try {
    entries = readdirSync('/proc')
  } catch {
    return []
  }
  for (const entry of entries) {
    const pid = Number(entry)
    const parent = Number.isInteger(pid) ? Number(statOf(pid)?.[1]) : Number.NaN
    if (Number.isInteger(parent)) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const tree = [root]
  for (let index = 0; index < tree.length; index += 1) tree.push(...(children.get(tree[index] ?? 0) ?? []))
  return tree
}

/** Seconds of processor time that the process and all that runs below it have used. */
export function cpuSecondsOf(root: number): number {
  return processTree(root).reduce((sum, pid) => sum + ownCpuSecondsOf(pid), 0)
}

/** The same of the process alone. */
export function ownCpuSecondsOf(pid: number): number {
  const stat = statOf(pid)
  return stat === null ? 0 : (Number(stat[11]) + Number(stat[12])) / TICKS
}

export type CoreTimes = readonly { readonly busy: number; readonly all: number }[]

/** Times of each core since the start of the machine; null where there is no /proc. */
export function coreTimes(): CoreTimes | null {
  const text = read('/proc/stat')
  if (text === null) return null
  return text
    .split('\n')
    .filter((line) => /^cpu\d/.test(line))
    .map((line) => {
      const times = line.split(/\s+/).slice(1, 9).map(Number)
      const all = times.reduce((sum, time) => sum + time, 0)
      return { busy: all - (times[3] ?? 0) - (times[4] ?? 0), all }
    })
}

/** Which share of the time between the two each core was busy. */
export function busyShares(before: CoreTimes | null, after: CoreTimes | null): number[] | null {
  if (before === null || after === null) return null
  return after.map(({ busy, all }, core) => {
    const from = before[core] ?? { busy: 0, all: 0 }
    return (busy - from.busy) / Math.max(1, all - from.all)
  })
}

/** Resident memory in bytes, or null where the system does not tell. */
export function residentBytes(pid: number): number | null {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kib === undefined ? null : Number(kib) * 1_024
}

/** The cores that a process may run on, as the kernel lists them; null where it does not tell. */
export function allowedCores(pid: number): string | null {
  return /^Cpus_allowed_list:\s+(\S+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? null
}
