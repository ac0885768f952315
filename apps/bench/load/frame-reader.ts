/** What is told of each frame: its opcode, and where in `data` its payload lies. `data` is only good during the call. */
export type OnFrame = (opcode: number, data: Buffer, start: number, end: number) => void

const FINAL = 0x80

/** Cuts a stream of bytes into unmasked WebSocket frames, as a server sends them, without copying what arrived whole. */
export class FrameReader {
  private rest: Buffer | null = null

  constructor(private readonly onFrame: OnFrame) {}

  push(chunk: Buffer): void {
    const data = this.rest === null ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    while (data.length - at >= 2) {
      const first = data[at] ?? 0
      if ((first & FINAL) === 0) throw new Error('a fragmented frame, which Engine.IO does not send')
      const short = (data[at + 1] ?? 0) & 0x7f
      const header = short < 126 ? 2 : short === 126 ? 4 : 10
      if (data.length - at < header) break
      const length =
        short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : data.readUInt32BE(at + 6)
      const end = at + header + length
      if (end > data.length) break
      this.onFrame(first & 0x0f, data, at + header, end)
      at = end
    }
    // A copy: the next read overwrites the buffer.
    this.rest = at < data.length ? Buffer.from(data.subarray(at)) : null
  }
}
