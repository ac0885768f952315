import { describe, expect, it } from 'vitest'
import { CommandReader } from './resp.js'

const command = (...words: string[]): Buffer =>
  Buffer.from(
    `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
  )

describe('CommandReader', () => {
  it('reads several commands of a chunk, with texts of more bytes than characters', () => {
    const chunk = Buffer.concat([command('GET', 'a'), command('set', 'ключ', 'x\r\ny')])
    expect(new CommandReader().read(chunk)).toEqual([
      ['get', 'a'],
      ['set', 'ключ', 'x\r\ny'],
    ])
  })

  it('reads a command that comes byte by byte', () => {
    const reader = new CommandReader()
    const read = [...command('PUBLISH', 'bus', 'ü')].flatMap((byte) => reader.read(Buffer.from([byte])))
    expect(read).toEqual([['publish', 'bus', 'ü']])
  })

  it('skips what it joins in the middle of', () => {
    const reader = new CommandReader()
    expect(reader.read(Buffer.from('el\r\n$1\r\na\r\n'))).toEqual([])
    expect(reader.read(command('ping'))).toEqual([['ping']])
  })
})
