import type { FastifyInstance } from 'fastify'

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley</title>
<h1>Parley</h1>
<p>A messaging server is running here. It has no web app yet: clients talk to it over HTTP and Socket.io.</p>
<ul>
  <li><a href="/docs">What can be asked of it</a> (<a href="/docs/openapi.json">OpenAPI</a>,
    <a href="/docs/asyncapi.json">AsyncAPI</a>)</li>
  <li><a href="/readyz">Whether it is ready</a></li>
</ul>
</html>
`

/** Tells a person who opens the address in a browser what this is. */
export function serveLanding(app: FastifyInstance): void {
  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE))
}
