import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { NODE_ARGS } from './system.js'

it('servers have the Node flags that npm start gives', async () => {
  const { scripts } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'))

  expect(scripts.start.split(' ').slice(1, -1)).toEqual(NODE_ARGS)
})

it('this Node knows all of them', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...NODE_ARGS, '--print', '"begun"'])

  expect(stdout).toBe('begun\n')
})
