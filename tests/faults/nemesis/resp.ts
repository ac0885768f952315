/** The commands that a client sends over one connection, in RESP. A chunk that does not begin one, after whole ones, is skipped. */
export class CommandReader {
  private rest: Buffer = Buffer.alloc(0)

  /** Those that end with this chunk, each with its name in lower case. */
  read(chunk: Buffer): readonly (readonly string[])[] {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    const commands: (readonly string[])[] = []
    let at = 0
    for (let next = commandAt(bytes, at); next !== null; next = commandAt(bytes, at)) {
      const [name = '', ...args] = next.words
      commands.push([name.toLowerCase(), ...args])
      at = next.end
    }
    this.rest = bytes[at] === ARRAY ? bytes.subarray(at) : Buffer.alloc(0)
    return commands
  }
}

const ARRAY = 0x2a
const LINE_END = '\r\n'

type Command = { readonly words: readonly string[]; readonly end: number }

/** Null where it is not whole yet, or none begins here. */
function commandAt(bytes: Buffer, from: number): Command | null {
  if (bytes[from] !== ARRAY) return null
  let line = lineAt(bytes, from)
  if (line === null) return null
  const words: string[] = []
  for (let left = line.number; left > 0; left -= 1) {
    line = lineAt(bytes, line.end)
    if (line === null || bytes.length < line.end + line.number + LINE_END.length) return null
    words.push(bytes.toString('utf8', line.end, line.end + line.number))
    line = { ...line, end: line.end + line.number + LINE_END.length }
  }
  return { words, end: line.end }
}

/** A type and a number, as in `$5`. */
function lineAt(bytes: Buffer, from: number): { readonly number: number; readonly end: number } | null {
  const end = bytes.indexOf(LINE_END, from)
  return end === -1
    ? null
    : { number: Number(bytes.toString('latin1', from + 1, end)), end: end + LINE_END.length }
}
