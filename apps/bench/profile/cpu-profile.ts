import type { Profiler } from 'node:inspector'

export type Share = { readonly name: string; readonly share: number }

export type ProfileSummary = {
  /** Of all time, by function itself without what it called. */
  readonly self: readonly Share[]
  /** With what it called; recursion counts once. */
  readonly total: readonly Share[]
  /** Self time by package or folder. */
  readonly places: readonly Share[]
}

/** Shares of the profiled time, largest first; `root` is left off the names of files. */
export function summarise(profile: Profiler.Profile, root: string): ProfileSummary {
  const times = selfTimes(profile)
  const all = [...times.values()].reduce((sum, time) => sum + time, 0)
  const self = new Map<string, number>()
  const places = new Map<string, number>()
  const total = new Map<string, number>()
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const add = (map: Map<string, number>, name: string, time: number) =>
    map.set(name, (map.get(name) ?? 0) + time / all)

  const visit = (first: Profiler.ProfileNode) => {
    const stack: { node: Profiler.ProfileNode; names: readonly string[] }[] = [{ node: first, names: [] }]
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      const name = nameOf(entry.node.callFrame, root)
      const time = times.get(entry.node.id) ?? 0
      const names = entry.names.includes(name) ? entry.names : [...entry.names, name]
      add(self, name, time)
      add(places, placeOf(entry.node.callFrame, root), time)
      for (const caller of names) add(total, caller, time)
      for (const id of entry.node.children ?? []) {
        const node = nodes.get(id)
        if (node !== undefined) stack.push({ node, names })
      }
    }
  }
  const [first] = profile.nodes
  if (first !== undefined) visit(first)
  return { self: sorted(self), total: sorted(total), places: sorted(places) }
}

function selfTimes({ samples = [], timeDeltas = [] }: Profiler.Profile): Map<number, number> {
  const times = new Map<number, number>()
  samples.forEach((id, index) => {
    times.set(id, (times.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0))
  })
  return times
}

function sorted(map: Map<string, number>): Share[] {
  return [...map].map(([name, share]) => ({ name, share })).sort((a, b) => b.share - a.share)
}

function nameOf({ functionName, url, lineNumber }: Profiler.ProfileNode['callFrame'], root: string): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? name : `${name} ${shortened(url, root)}:${lineNumber + 1}`
}

function placeOf({ functionName, url }: Profiler.ProfileNode['callFrame'], root: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)'
  if (url.startsWith('node:')) return url
  const short = shortened(url, root)
  const inPackage = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(short)
  return inPackage === null ? short.slice(0, short.lastIndexOf('/')) : (inPackage[1] ?? short)
}

function shortened(url: string, root: string): string {
  const path = url.replace(/^file:\/\//, '')
  const packages = path.lastIndexOf('node_modules/')
  if (packages !== -1) return path.slice(packages)
  return path.startsWith(root) ? path.slice(root.length) : path
}
