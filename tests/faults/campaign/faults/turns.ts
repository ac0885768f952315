/** One after another, in the order in which they were asked for: for steps that may take longer than the time between them. */
export class Turns {
  private last: Promise<void> = Promise.resolve()

  /** Resolves when it is one's turn; what it answers ends it. */
  async take(): Promise<() => void> {
    const before = this.last
    let end: () => void = () => undefined
    this.last = new Promise((resolve) => {
      end = resolve
    })
    await before
    return end
  }

  /** Begins in its turn, which ends with the heal, or at once where it cannot even begin. */
  async healed(begin: () => Promise<() => Promise<void>>): Promise<() => Promise<void>> {
    const end = await this.take()
    try {
      const heal = await begin()
      return () => heal().finally(end)
    } catch (error) {
      end()
      throw error
    }
  }
}
