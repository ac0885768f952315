import { access, rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { FAULTS } from '../campaign/faults/index.js'
import { MUTANTS } from './mutants.js'
import { folderOf, plant } from './plant.js'

describe('A server mutant', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    '%s can be planted into this build',
    async (_name, mutant) => {
      // Apart from those of `npm run faults:mutants`, which may be running.
      const planted = { ...mutant, name: `planted-${mutant.name}` }
      await access(await plant(planted))
      await rm(folderOf(planted), { recursive: true })
      expect(FAULTS.map(({ name }) => name)).toContain(mutant.fault)
    },
  )

  it('is refused where the place that it changes is not there', async () => {
    const gone = {
      ...MUTANTS[0],
      name: 'gone',
      replacements: [{ file: 'core/index.js', find: 'no such text', put: '' }],
    }
    await expect(plant(gone as (typeof MUTANTS)[number])).rejects.toThrow('0 places instead of one')
    await rm(folderOf({ name: 'gone' }), { recursive: true })
  })
})
