/** A directed graph by names. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>

/** The strongly connected components of more than one node (Tarjan's algorithm, with a stack of its own). */
export function knots(graph: Graph): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const path: string[] = []
  const onPath = new Set<string>()
  const found: string[][] = []
  const visit = (node: string) => {
    order.set(node, order.size)
    low.set(node, order.size - 1)
    path.push(node)
    onPath.add(node)
    return { node, next: (graph.get(node) ?? new Set()).values() }
  }
  const close = (node: string) => {
    if (low.get(node) !== order.get(node)) return
    const members = path.splice(path.lastIndexOf(node))
    for (const member of members) onPath.delete(member)
    if (members.length > 1) found.push(members)
  }
  const lower = (node: string, to: number) => low.set(node, Math.min(low.get(node) ?? to, to))
  for (const root of graph.keys()) {
    const stack = order.has(root) ? [] : [visit(root)]
    while (stack.length > 0) {
      const top = stack.at(-1) as ReturnType<typeof visit>
      const { value, done } = top.next.next()
      if (!done && !order.has(value)) stack.push(visit(value))
      else if (!done) onPath.has(value) && lower(top.node, order.get(value) ?? 0)
      else {
        stack.pop()
        const above = stack.at(-1)
        if (above) lower(above.node, low.get(top.node) ?? 0)
        close(top.node)
      }
    }
  }
  return found
}

/** How many starting points are tried for the shortest cycle of a large knot. */
const STARTS = 50

/** The shortest cycle through one of the first nodes of a knot: each leads to the next, and the last to the first. */
export function shortestCycle(graph: Graph, knot: readonly string[]): string[] {
  const inside = new Set(knot)
  let best: string[] = [...knot]
  for (const start of knot.slice(0, STARTS)) {
    const cycle = cycleThrough(graph, inside, start)
    if (cycle.length < best.length) best = cycle
  }
  return best
}

function cycleThrough(graph: Graph, inside: ReadonlySet<string>, start: string): string[] {
  const from = new Map<string, string>()
  const queue = [start]
  for (const node of queue)
    for (const next of graph.get(node) ?? []) {
      if (next === start) return pathTo(node, from)
      if (!inside.has(next) || from.has(next)) continue
      from.set(next, node)
      queue.push(next)
    }
  return [...inside]
}

function pathTo(end: string, from: ReadonlyMap<string, string>): string[] {
  const path = [end]
  for (let at = from.get(end); at !== undefined; at = from.get(at)) path.unshift(at)
  return path
}
