import { type Source, sources } from './sources.js'

/** A test's name stands in a test file, or in a contract that several of them run. */
const HOLDS_TESTS = /\.(?:test|contract)\.ts$/
/** What judges names has some that are none. */
const JUDGES = /^tests\/architecture\/(?:cases|pitfalls)\.test\.ts$/

export const testFiles = async (): Promise<readonly Source[]> =>
  (await Promise.all(['core', 'adapters', 'apps', 'tests'].map(sources)))
    .flat()
    .filter(({ path }) => !JUDGES.test(path))

/** The files that hold tests, each with the strings in it for its text. */
export const testNames = async (): Promise<readonly Source[]> =>
  (await testFiles())
    .filter(({ path }) => HOLDS_TESTS.test(path))
    .map(({ path, text }) => ({ path, text: namesIn(text) }))

/** The strings of a source, a line each, without its comments: names are among them. */
export function namesIn(text: string): string {
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  return Array.from(
    code.matchAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g),
    ([name]) => name,
  ).join('\n')
}
