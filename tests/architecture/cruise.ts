import { join, resolve } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'

export const REPOSITORY = resolve(import.meta.dirname, '../..')
export const FOLDERS = ['core', 'adapters', 'apps', 'tests']

const options = await extractDepcruiseOptions(join(REPOSITORY, '.dependency-cruiser.mjs'))

/** The names of the rules as they are enforced by `npm run rules`. */
export const RULES: readonly string[] = (options.ruleSet?.forbidden ?? []).map(
  (rule) => rule.name ?? 'unnamed',
)

/** Reads the modules of a tree laid out like this repository and judges them by its rules. */
export async function cruiseTree(baseDir: string): Promise<ICruiseResult> {
  const { output } = await cruise(FOLDERS, { ...options, baseDir }, options.enhancedResolveOptions)
  if (typeof output === 'string')
    throw new Error(`expected a cruise result, got text: ${output.slice(0, 200)}`)
  return output
}

/** One line a violation, as a person would look for it. */
export function violations(result: ICruiseResult): string[] {
  return result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)
}
