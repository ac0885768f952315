import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { topologyOf } from './defaults.js'
import { type Fault, isStandalone, numberOf } from './fault.js'
import { FAULTS } from './faults/index.js'
import { scheduleOf } from './run-fault.js'
import { selectFaults } from './select.js'

const scheduled = FAULTS.filter((fault): fault is Fault => !isStandalone(fault))

describe('the schedule of a fault', () => {
  it.each(scheduled)('$name is the same for the same seed', (fault) => {
    for (const processes of [2, 3])
      expect(scheduleOf(fault, 7, processes, 20)).toEqual(scheduleOf(fault, 7, processes, 20))
  })

  it.each(scheduled)('$name names instances that there are', (fault) => {
    const processes = Math.max(2, topologyOf(fault).minProcesses)
    for (let seed = 1; seed <= 50; seed += 1)
      for (const { atMs, forMs, target } of scheduleOf(fault, seed, 2, 20)) {
        if (/^i\d+$/.test(target)) {
          expect(Number(target.slice(1))).toBeGreaterThanOrEqual(1)
          expect(Number(target.slice(1))).toBeLessThanOrEqual(processes)
        }
        expect(atMs).toBeGreaterThanOrEqual(0)
        expect(forMs).toBeGreaterThanOrEqual(0)
      }
  })

  it.each(scheduled)('$name names devices that there are, however few people there are', (fault) => {
    for (let seed = 1; seed <= 20; seed += 1)
      for (const { target } of scheduleOf(fault, seed, 2, 20, { people: 4 }))
        if (/^d\d+$/.test(target)) expect(Number(target.slice(1))).toBeLessThanOrEqual(4)
  })

  it('depends on the seed, where anything is drawn', () => {
    const texts = [1, 2, 3, 4, 5].map((seed) =>
      JSON.stringify(scheduled.map((fault) => scheduleOf(fault, seed, 3, 20))),
    )
    expect(new Set(texts).size).toBe(texts.length)
  })

  it('suspends what docs/reliability.md says', async () => {
    const page = await readFile('docs/reliability.md', 'utf8')
    const told = Array.from(page.matchAll(/^\| ([\w-]+) \| (L\d+(?:, L\d+)*) \|/gm), ([, name, what]) => [
      name,
      what,
    ])
    const suspending = scheduled.flatMap((fault) => {
      const all = scheduleOf(fault, 7, 2, 20).flatMap(({ suspends = [] }) => suspends)
      return all.length === 0 ? [] : [[fault.name, [...new Set(all)].join(', ')]]
    })
    expect(told.toSorted()).toEqual(suspending.toSorted())
  })

  it('belongs to one fault: no name is used twice', () => {
    expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length)
  })
})

describe('the campaign', () => {
  it('has each fault of Redis that it is asked for, and those of others that go on with one', () => {
    const withRedis = selectFaults(FAULTS, ['redis'])
    const numbers = new Set(withRedis.map(numberOf))
    const own = Array.from({ length: 20 }, (_, index) => `R${index + 1}`)
    const asked = [...own, 'N3', 'N5', 'N6', 'C5', 'C9', 'H1', 'X1', 'X2', 'X3']
    expect(asked.filter((number) => !numbers.has(number))).toEqual([])
    for (const number of ['R9', 'R10', 'R11', 'R12'])
      for (const fault of withRedis.filter((each) => numberOf(each) === number))
        expect(!isStandalone(fault) && topologyOf(fault).minProcesses).toBe(3)
    const others = FAULTS.filter((fault) => !withRedis.includes(fault))
    expect(others.filter(({ name }) => /^[RX]/.test(name))).toEqual([])
  })

  it('lets Redis stand still for each time that it is asked to, however long a run is', () => {
    const frozen = scheduled.filter((fault) => numberOf(fault) === 'R2')
    const forSeconds = frozen.flatMap((fault) =>
      scheduleOf(fault, 7, 2, 20).map(({ forMs }) => forMs / 1_000),
    )
    expect(forSeconds).toEqual([5, 30, 120])
  })

  it('has each fault of processes, Postgres, clients and hot spots that it is asked for', () => {
    const numbers = new Set(FAULTS.map(numberOf))
    const asked = [
      'N1',
      'N2',
      'N3',
      'N4',
      'N5',
      'N6',
      'N7',
      'P1',
      'P2',
      'P3',
      'P4',
      'P5',
      'P6',
      'P7',
      'P9',
      'P11',
    ]
    const ofClients = ['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8', 'C9', 'H1', 'H2']
    expect([...asked, ...ofClients].filter((number) => !numbers.has(number))).toEqual([])
  })
})
