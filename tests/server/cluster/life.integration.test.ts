import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { alive, ClusterProcess } from '../../support/cluster-process.js'
import { Person, request, until } from '../../support/person.js'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/postgres-cluster.js'

const STOPS_WITHIN_MS = 30_000

let directory: TemporaryDirectory
const clusters: ClusterProcess[] = []

beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()))
  await directory.remove()
})

async function started(instances: number): Promise<ClusterProcess> {
  const cluster = await ClusterProcess.start(directory.dataDir, instances)
  clusters.push(cluster)
  return cluster
}

function run(args: readonly string[], variables: Record<string, string> = {}): ClusterProcess {
  const cluster = ClusterProcess.run(args, { PARLEY_DATA_DIR: directory.dataDir, ...variables })
  clusters.push(cluster)
  return cluster
}

const processesOf = (cluster: ClusterProcess): number[] => [
  cluster.pid,
  ...cluster.starts.map(({ pid }) => pid),
  ...(cluster.redisPid === null ? [] : [cluster.redisPid]),
]

describe('a cluster', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with all that it has started on %s', async (signal) => {
    const cluster = await started(2)
    const person = await Person.signUp(cluster.url, 'Nora')
    const sockets = [await person.connect(), await person.connect(undefined, { transports: ['polling'] })]
    const farewells = sockets.map(
      (socket) =>
        new Promise<{ reason: string }>((resolve) => {
          socket.once('session:ended', resolve)
        }),
    )
    const pids = [...processesOf(cluster), cluster.postgresPid]
    expect(await alive(pids)).toEqual(pids)
    const beganMs = performance.now()
    cluster.signal(signal)
    expect(await cluster.ended()).toBe(0)
    expect(performance.now() - beganMs).toBeLessThan(STOPS_WITHIN_MS)
    expect(await alive(pids)).toEqual([])
    expect((await Promise.all(farewells)).map(({ reason }) => reason)).toEqual(['draining', 'draining'])
    expect(cluster.errors).toEqual([])
    person.close()
  })

  it('ends with all that it has started when its terminal goes, and with it whoever read its output', async () => {
    const cluster = await started(1)
    const pids = [...processesOf(cluster), cluster.postgresPid]
    cluster.stopReading()
    cluster.signal('SIGHUP')
    expect(await cluster.ended()).toBe(0)
    expect(await alive(pids)).toEqual([])
  })

  it('takes its servers with it when it is killed, and what it leaves is taken over by the next one', async () => {
    const killed = await started(2)
    const person = await Person.signUp(killed.url, 'Nora')
    const roomId = await person.createRoom()
    const pids = processesOf(killed)
    killed.signal('SIGKILL')
    await until('its servers are gone', async () => (await alive(pids)).length === 0, STOPS_WITHIN_MS)
    // As with a single server: its database goes on, and whoever comes next takes it over.
    expect(await alive([killed.postgresPid])).toEqual([killed.postgresPid])

    const next = await started(2)
    expect(await alive([killed.postgresPid])).toEqual([])
    const { status } = await person.http('GET', `/rooms/${roomId}`, undefined, next.url)
    expect(status).toBe(200)
    const { postgresPid } = next
    expect(await next.stop()).toBe(0)
    expect(await alive([...processesOf(next), postgresPid])).toEqual([])
  })

  it('ends with what is half up when it is told to stop before it is ready', async () => {
    const cluster = run(['--instances', '2', '--port', '0'])
    await until('Postgres runs', () => Number.isInteger(cluster.postgresPid), 30_000)
    const { postgresPid } = cluster
    cluster.signal('SIGTERM')
    expect(await cluster.ended()).toBe(0)
    expect(cluster.url).toBe('')
    expect(await alive([...processesOf(cluster), postgresPid])).toEqual([])
  })
})

describe('a cluster that cannot start', () => {
  it('says in one line that it does not understand its arguments, and exits with 2', async () => {
    const cluster = run(['--instances', 'many'])
    expect(await cluster.ended()).toBe(2)
    expect(cluster.errors).toEqual(['--instances must be a whole number from 1 to 16'])
    expect(cluster.lines).toEqual([])
  })

  it('names the port that is taken, in one line, before it starts anything', async () => {
    const first = await started(1)
    const { port } = new URL(first.url)
    const second = run(['--port', port])
    expect(await second.ended()).toBe(1)
    expect(second.errors).toEqual([expect.stringMatching(`EADDRINUSE.*${port}`)])
    expect(second.lines).toEqual([])
    expect((await request(first.url, 'GET', '/readyz')).status).toBe(200)
  })

  it('says in one line that its data directory is in use, and leaves the other alone', async () => {
    const first = await started(1)
    const second = run(['--port', '0'])
    expect(await second.ended()).toBe(1)
    expect(second.errors).toEqual([expect.stringContaining(`in use by the server with pid ${first.pid}`)])
    await sleep(500)
    expect((await request(first.url, 'GET', '/readyz')).body.status).toBe('ok')
  })
})
