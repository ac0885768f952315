/** The behaviours of a contract that an adapter does not show; none for a sound one. */
export async function failuresOf<Fixture>(
  contract: Readonly<Record<string, (fixture: Fixture) => Promise<void>>>,
  fixture: () => Fixture,
): Promise<readonly string[]> {
  const failures: string[] = []
  for (const [behaviour, verify] of Object.entries(contract)) {
    try {
      await verify(fixture())
    } catch {
      failures.push(behaviour)
    }
  }
  return failures
}
