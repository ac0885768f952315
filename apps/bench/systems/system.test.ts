import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { NODE_ARGS } from './system.js'

it('servers have the Node flags that npm start gives', async () => {
  const { scripts } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'))

  expect(scripts.start.split(' ').slice(1, -1)).toEqual(NODE_ARGS)
})
