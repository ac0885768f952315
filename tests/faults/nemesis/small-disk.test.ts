import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { canMount, smallDisk } from './small-disk.js'

const isPossible = await canMount()
if (!isPossible) process.stdout.write('No file system can be mounted here: the full disk is left out.\n')

describe.skipIf(!isPossible)('a small disk', () => {
  it('takes nothing more once it is full, and is free again when the ballast is gone', async () => {
    const disk = await smallDisk(8)
    try {
      const file = join(disk.path, 'file')
      await writeFile(file, Buffer.alloc(100_000))
      await disk.fill()
      expect(await disk.freeBytes()).toBe(0)
      await expect(writeFile(join(disk.path, 'more'), Buffer.alloc(10_000))).rejects.toThrow('ENOSPC')
      await disk.free()
      await writeFile(join(disk.path, 'more'), Buffer.alloc(10_000))
      expect(await disk.freeBytes()).toBeGreaterThan(7_000_000)
    } finally {
      await disk.remove()
    }
  })
})
