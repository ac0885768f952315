import { describe, expect, it } from 'vitest'
import { readOptions } from './options.js'

const mistakesOf = (args: string[], env: Record<string, string> = {}): readonly string[] => {
  const reading = readOptions(args, env)
  return 'mistakes' in reading ? reading.mistakes : []
}

describe('readOptions', () => {
  it('takes the number of instances and the port of the balancer', () => {
    expect(readOptions(['--instances', '5', '--port', '0'], { PORT: '3100' })).toMatchObject({
      options: { instances: 5, config: { port: 0, host: '127.0.0.1' } },
    })
    expect(readOptions([], { PORT: '3100' })).toMatchObject({
      options: { instances: 3, config: { port: 3_100 } },
    })
  })

  it.each([
    [['--instances', '0'], '--instances must'],
    [['--instances', '17'], '--instances must'],
    [['--instances', '2.5'], '--instances must'],
    [['--instances'], "Option '--instances"],
    [['--port', '65536'], '--port must'],
    [['--instance', '3'], "Unknown option '--instance'"],
    [['3'], "Unexpected argument '3'"],
  ])('tells in one line what is wrong with %j', (args, beginning) => {
    const mistakes = mistakesOf(args)
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]).not.toContain('\n')
    expect(mistakes[0]?.startsWith(beginning)).toBe(true)
  })

  it('tells all mistakes at once', () => {
    expect(mistakesOf(['--instances', 'x', '--port', 'y'])).toHaveLength(2)
  })

  it('takes the mistakes of a server for its own', () => {
    expect(mistakesOf([], { LOG_LEVEL: 'loud', PARLEY_X: '1' }).map((line) => line.split(' ')[0])).toEqual([
      'LOG_LEVEL',
      'PARLEY_X',
    ])
  })

  it('refuses a database and a Redis of another, instead of leaving them aside', () => {
    const mistakes = mistakesOf([], { DATABASE_URL: 'postgres://x:quiet@h/d', REDIS_URL: 'redis://h' })
    expect(mistakes.map((line) => line.split(' ')[0])).toEqual(['DATABASE_URL', 'REDIS_URL'])
    expect(mistakes.join()).not.toContain('quiet')
  })
})
