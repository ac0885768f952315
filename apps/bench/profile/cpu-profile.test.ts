import { describe, expect, it } from 'vitest'
import { summarise } from './cpu-profile.js'

const frame = (functionName: string, url: string) => ({
  functionName,
  url,
  scriptId: '0',
  lineNumber: 4,
  columnNumber: 0,
})

describe('the summary of a profile', () => {
  const profile = {
    startTime: 0,
    endTime: 100,
    nodes: [
      { id: 1, callFrame: frame('(root)', ''), children: [2, 5] },
      { id: 2, callFrame: frame('walk', 'file:///here/core/walk.js'), children: [3, 4] },
      { id: 3, callFrame: frame('walk', 'file:///here/core/walk.js') },
      { id: 4, callFrame: frame('send', 'file:///here/node_modules/@ws/lib/lib/send.js') },
      { id: 5, callFrame: frame('(idle)', '') },
    ],
    samples: [2, 3, 4, 5],
    timeDeltas: [10, 20, 30, 40],
  }
  const { self, total, places } = summarise(profile, '/here/')

  it('gives each function its own time, over all places that call it', () => {
    expect(self.slice(0, 3)).toEqual([
      { name: '(idle)', share: 0.4 },
      { name: 'walk core/walk.js:5', share: expect.closeTo(0.3) },
      { name: 'send node_modules/@ws/lib/lib/send.js:5', share: 0.3 },
    ])
  })

  it('counts a function that calls itself once', () => {
    expect(total).toContainEqual({ name: 'walk core/walk.js:5', share: expect.closeTo(0.6) })
  })

  it('names packages and folders', () => {
    expect(places.map(({ name }) => name)).toEqual(['(idle)', 'core', '@ws/lib', '(root)'])
  })
})
