const SLAB_BYTES = 16_384
/** What is larger has a buffer of its own, which many may share and keep. */
const SMALL_BYTES = 4_096
/** Of UTF-8, for a UTF-16 code unit. */
const BYTES_MAX = 3

/**
 * Room for small buffers, one behind the other in larger ones: made one by one, each costs more than what is written to it. Whoever keeps
 * one for long keeps its neighbours alive, too.
 */
export class Slab {
  private bytes = Buffer.allocUnsafeSlow(SLAB_BYTES)
  private used = 0

  /** Whether a text is small whatever its characters are, behind so many bytes. */
  static fits(text: string, before: number): boolean {
    return before + BYTES_MAX * text.length <= SMALL_BYTES
  }

  /** The text in UTF-8, behind room for so many bytes; for what `fits`. */
  write(text: string, before: number): Buffer {
    this.reserve(before + BYTES_MAX * text.length)
    const start = this.used
    this.used = start + before + this.bytes.write(text, start + before)
    return this.bytes.subarray(start, this.used)
  }

  /** All of them, one behind the other. */
  join(buffers: readonly Buffer[], length: number): Buffer {
    if (length > SMALL_BYTES) return Buffer.concat(buffers, length)
    this.reserve(length)
    const start = this.used
    for (const buffer of buffers) {
      buffer.copy(this.bytes, this.used)
      this.used += buffer.length
    }
    return this.bytes.subarray(start, this.used)
  }

  private reserve(length: number): void {
    if (this.used + length <= SLAB_BYTES) return
    this.bytes = Buffer.allocUnsafeSlow(SLAB_BYTES)
    this.used = 0
  }
}
