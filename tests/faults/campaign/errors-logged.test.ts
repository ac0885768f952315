import { describe, expect, it } from 'vitest'
import { errorsLogged } from './errors-logged.js'

const instance = (...lines: string[]) => ({ name: 'i1', output: () => `${lines.join('\n')}\n` })
const bug = '{"level":60,"time":1,"msg":"the server ends because of a bug"}'

describe('The logs of a run', () => {
  it('hold errors against a server, and neither warnings nor what is no log line', () => {
    const lines = ['{"level":40,"time":1,"msg":"Postgres is away"}', 'Parley is ready', bug]
    expect(errorsLogged([instance(...lines)], {})).toMatchObject({ checked: 1, violations: [`i1: ${bug}`] })
  })

  it('leave out the errors that the fault must bring about', () => {
    expect(errorsLogged([instance(bug)], { errors: /because of a bug/ }).violations).toEqual([])
    expect(errorsLogged([instance(bug)], { errors: /because of another/ }).violations).toHaveLength(1)
  })
})
