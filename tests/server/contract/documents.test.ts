import { describe, expect, it } from 'vitest'
import { asyncApiDocument } from '../../../apps/server/contract/asyncapi.js'
import { openApiDocument } from '../../../apps/server/contract/openapi.js'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { SERVER_EVENTS } from '../../../apps/server/contract/server-events.js'

type Json = { [name: string]: Json | undefined } & { $ref?: string }

const asJson = (document: object): Json => JSON.parse(JSON.stringify(document)) as Json

/** Follows `#/a/b`; names hold colons and dots, never slashes, except paths. */
function resolve(document: Json, ref: string): unknown {
  return ref
    .slice(2)
    .split('/')
    .reduce<Json | undefined>((found, name) => found?.[name], document)
}

function refsIn(value: unknown): string[] {
  return Array.from(JSON.stringify(value).matchAll(/"\$ref":"([^"]+)"/g), ([, ref = '']) => ref)
}

describe('the OpenAPI document', () => {
  const document = asJson(openApiDocument('1'))

  it('describes each operation that has a route, and nothing else', () => {
    const described = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const served = OPERATIONS.flatMap(({ http }) =>
      http === undefined ? [] : [`${http.method} /api/v1${http.path.replaceAll(/:(\w+)/g, '{$1}')}`],
    )
    expect(described.sort()).toEqual(served.sort())
  })

  it('places every field of the input in the path, the query or the body', () => {
    for (const { id, http, input } of OPERATIONS) {
      if (http === undefined) continue
      const path = `/api/v1${http.path.replaceAll(/:(\w+)/g, '{$1}')}`
      const described = document.paths?.[path]?.[http.method.toLowerCase()]
      const parameters = (described?.parameters ?? []) as unknown as { name: string }[]
      const body = described?.requestBody?.content?.['application/json']?.schema?.properties ?? {}
      const fields = [
        ...parameters.map(({ name }) => (name === 'id' ? (http.id ?? name) : name)),
        ...Object.keys(body),
      ]
      expect(fields.sort(), id).toEqual(Object.keys(input.properties).sort())
    }
  })

  it('refers to nothing that is not there', () => {
    const refs = refsIn(document)
    expect(refs.length).toBeGreaterThan(0)
    for (const ref of refs) expect(resolve(document, ref), ref).toBeDefined()
  })
})

describe('the AsyncAPI document', () => {
  const document = asJson(asyncApiDocument('1'))

  it('describes each client event with its ack, and each server event', () => {
    const events = OPERATIONS.flatMap(({ event }) => (event === undefined ? [] : [event, `${event}.ack`]))
    const messages = Object.keys(document.channels?.socket?.messages ?? {})
    expect(messages.sort()).toEqual([...events, ...Object.keys(SERVER_EVENTS)].sort())
  })

  it('refers to nothing that is not there', () => {
    const refs = refsIn(document)
    expect(refs.length).toBeGreaterThan(0)
    for (const ref of refs) expect(resolve(document, ref), ref).toBeDefined()
  })
})
