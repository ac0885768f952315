import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { REPOSITORY } from './cruise.js'

/** What `docs/contract.md` promises by name, read from its tables and paragraphs. */
export type ContractDocument = Readonly<{
  /** HTTP status by error code. */
  codes: ReadonlyMap<string, number>
  /** `METHOD /path` with the whole path. */
  routes: readonly string[]
  clientEvents: readonly string[]
  serverEvents: readonly string[]
  /** The types of events in the room log. */
  logEvents: readonly string[]
  variables: readonly string[]
}>

const METHOD_AND_PATH = /^(GET|POST|PUT|PATCH|DELETE)(?: (\S+))?/

const spans = (text: string): string[] => Array.from(text.matchAll(/`([^`]+)`/g), ([, span = '']) => span)

/** The text from `start` to the next `end` after it. */
function between(text: string, start: string, end: string): string {
  const from = text.indexOf(start)
  const to = text.indexOf(end, from + start.length)
  if (from < 0 || to < 0) throw new Error(`docs/contract.md no longer has a part from "${start}" to "${end}"`)
  return text.slice(from + start.length, to)
}

/** The rows of the table whose head begins so, as the cells of each. A cell may hold an escaped bar. */
function rows(text: string, head: string): string[][] {
  const table = between(`${text}\n\n`, `\n| ${head} |`, '\n\n')
  const lines = table.split('\n').slice(2)
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
      .slice(1, -1),
  )
}

/** `…/members/:userId` after `/rooms/:roomId/members` is `/rooms/:roomId/members/:userId`. */
function whole(path: string, previous: string): string {
  if (!path.startsWith('…')) return path
  const tail = path.slice(1)
  return previous.slice(0, previous.indexOf(`/${tail.split('/')[1]}`)) + tail
}

/** Reads `` `GET` / `POST /contacts` `` and the like; a path without a method is read with GET. */
function routes(text: string, base: string): string[] {
  const found: string[] = []
  let previous = ''
  let methods: string[] = []
  for (const span of spans(text)) {
    const [, method = 'GET', named] = METHOD_AND_PATH.exec(span) ?? []
    const path = named ?? (span.startsWith('/') ? span : undefined)
    if (path === undefined) {
      if (METHOD_AND_PATH.test(span)) methods.push(method)
      continue
    }
    previous = whole(path.split('?')[0] ?? path, previous)
    found.push(...[...methods, method].map((each) => `${each} ${base}${previous}`))
    methods = []
  }
  return found
}

export async function readContract(): Promise<ContractDocument> {
  const text = await readFile(join(REPOSITORY, 'docs/contract.md'), 'utf8')
  const firstSpans = (head: string) => rows(text, head).flatMap(([cell = '']) => spans(cell))
  const logEvents = spans(rows(text, 'server event').find(([name]) => name === '`room:events`')?.[1] ?? '')
  return {
    codes: new Map(rows(text, 'code').map(([code = '', status]) => [spans(code)[0] ?? '', Number(status)])),
    routes: [
      ...routes(between(text, '\n| method and path |', '\nOutside `/api/v1`'), '/api/v1'),
      ...routes(between(text, '\nOutside `/api/v1`', '\n**Browsers.**'), ''),
    ],
    clientEvents: firstSpans('client event').map((span) => span.split(' ')[0] ?? span),
    serverEvents: firstSpans('server event'),
    logEvents: logEvents.flatMap((span) => /^[a-z]+\.[a-z]+/.exec(span) ?? []),
    variables: rows(text, 'variable').flatMap((cells) =>
      cells.flatMap(spans).filter((span) => /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(span)),
    ),
  }
}
