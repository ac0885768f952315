import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicNs } from '../checker/history.js'
import type { HistoryWriter } from '../checker/history-file.js'
import { carryOut, describeStep, type InForce } from './carry-out.js'
import { PHASES_MS, type PhasesMs, topologyOf, workloadOf } from './defaults.js'
import { drawFor } from './draw.js'
import { errorsLogged } from './errors-logged.js'
import { type Check, type Fault, type FaultRun, numberOf, type Step, type WorkloadShape } from './fault.js'
import { finalReads } from './final-reads.js'
import { type OpenedWorld, openWorld, type RunOptions } from './opened-world.js'
import type { FaultWindow } from './report/experience.js'
import { reportOf } from './report/fault-report.js'
import type { FaultReport } from './report/kept-reports.js'
import { type Sampling, sample } from './samples.js'
import { presenceConverges, settle } from './settle.js'
import { auditTables, readTables } from './sql-audit.js'
import { type StallWatch, watchStalls } from './stalls.js'
import { readPresence } from './workload/operations/reading.js'
import type { RoomRecord } from './workload/rooms.js'
import { Workload } from './workload/workload.js'
import type { Instance, World } from './world.js'

/** The steps of a run, from the seed alone. */
export function scheduleOf(
  fault: Fault,
  seed: number,
  processes: number,
  seconds: number,
  { people }: Pick<WorkloadShape, 'people'> = workloadOf(fault),
): readonly Step[] {
  const scene = { processes: Math.max(processes, topologyOf(fault).minProcesses), seconds, people }
  return fault.schedule(drawFor(seed, `schedule of ${fault.name}`), scene)
}

/** One fault from an empty database to a verdict. */
export async function runFault(options: RunOptions): Promise<FaultReport> {
  const { fault, seed, processes, seconds, say } = options
  const startedMs = performance.now()
  const steps = scheduleOf(fault, seed, processes, seconds, { ...workloadOf(fault), ...options.workload })
  for (const step of steps) say(`  ${describeStep(step)}`)
  const opened = await openWorld(options)
  const checks: Check[] = []
  const stalls = watchStalls((line) => opened.writer.write(line))
  try {
    const world = worldOf(opened, options)
    const run = fault.start(world)
    const phasesMs = { ...PHASES_MS, ...options.phasesMs }
    const { window, samples } = await underLoad(opened, run, steps, options, phasesMs)
    checks.push(...(await atRest(opened, run, phasesMs)))
    samples.stop()
    checks.push(...(await lastLooks(opened, fault, stalls)))
    checks.push(await allAlive(opened), errorsLogged(opened.instances, fault))
    return await reportOf({
      ...options,
      opened,
      steps,
      window,
      checks,
      tookMs: performance.now() - startedMs,
    })
  } finally {
    stalls.stop()
    await opened.close()
    await keepLogs(opened)
  }
}

function worldOf(
  { writer, database, redis, instances, devices, rooms, stage }: OpenedWorld,
  { fault, seed, say }: RunOptions,
): World {
  const named = <T extends { readonly name: string }>(all: readonly T[], name: string): T => {
    const found = all.find((each) => each.name === name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return found
  }
  return {
    seed,
    draw: drawFor(seed, 'fault'),
    instances,
    database,
    redis,
    devices,
    rooms: stage.rooms,
    doubled: stage.doubled,
    writer,
    addRoom: (room) => void rooms.push(room),
    operate: (operation) => operation(stage),
    instance: (name) => named(instances, name),
    device: (name) => named(devices.all, name),
    hotRoom: rooms.find(({ heat }) => heat === 'hot') as RoomRecord,
    note(act, target) {
      const t = monotonicNs()
      writer.write({ type: 'nemesis', fault: `${numberOf(fault)} ${act}`, target, start: t, stop: t })
    },
    say,
  }
}

async function underLoad(
  { stage, shape, writer, instances }: OpenedWorld,
  run: FaultRun,
  steps: readonly Step[],
  { fault, seconds }: RunOptions,
  phasesMs: PhasesMs,
): Promise<{ readonly window: FaultWindow; readonly samples: Sampling }> {
  const workload = new Workload(stage, shape)
  let samples: Sampling | null = null
  try {
    workload.start()
    await run.prepare?.()
    samples = sample(writer, instances)
    await sleep(phasesMs.warmUp)
    const startNs = monotonicNs()
    await Promise.all([sleep(seconds * 1_000), carryOut(steps, run, nemesisLine(writer, fault))])
    const stopNs = monotonicNs()
    await Promise.all([sleep(phasesMs.after), run.afterHeal?.()])
    await workload.end()
    return { window: { startNs, stopNs }, samples }
  } catch (error) {
    // The next run is not to be disturbed by this one.
    samples?.stop()
    workload.end().catch(() => undefined)
    throw error
  }
}

const nemesisLine =
  (writer: HistoryWriter, fault: Fault) =>
  (step: Step, { startNs, stopNs }: InForce): void => {
    const { act, target, suspends, kills, redis } = step
    writer.write({
      type: 'nemesis',
      fault: `${numberOf(fault)} ${act}`,
      target,
      start: startNs,
      stop: stopNs,
      ...(suspends === undefined ? {} : { suspends }),
      ...(kills === undefined ? {} : { kills }),
      ...(redis === undefined ? {} : { redis }),
    })
  }

/** So that a server is compared with itself by what it uses. */
function collectGarbage(instances: readonly Instance[]): void {
  for (const { isUp, server } of instances) if (isUp) server.send({ do: 'collect-garbage' })
}

/** Lets the world come to rest and sees whether it does. */
async function atRest(
  { devices, rooms, instances }: OpenedWorld,
  run: FaultRun,
  phasesMs: PhasesMs,
): Promise<Check[]> {
  const missing = await settle(devices.all, phasesMs.settle)
  collectGarbage(instances)
  const convergedMs = await presenceConverges(rooms, instances, devices.of, phasesMs.presence)
  await sleep(phasesMs.rest)
  return [
    {
      name: 'every client is back, with all its rooms and nothing unsent',
      checked: devices.all.length,
      violations: missing,
    },
    {
      name: 'every instance shows who is there',
      checked: rooms.length * instances.length,
      violations: convergedMs === null ? [`not within ${phasesMs.presence / 1_000} s`] : [],
    },
    ...((await run.checks?.()) ?? []),
  ]
}

async function lastLooks(
  { stage, writer, devices, rooms, instances, database }: OpenedWorld,
  fault: Fault,
  stalls: StallWatch,
): Promise<readonly Check[]> {
  for (let look = 0; look < 2 * stage.rooms.length; look += 1) await readPresence(stage)
  const { readersPerRoom = Number.POSITIVE_INFINITY } = fault
  const reads = await finalReads({ writer, instances, rooms, readersPerRoom })
  await readTables(
    writer,
    database,
    rooms.map(({ id }) => id),
  )
  for (const device of devices.all) device.renderAll()
  const open = devices.all.flatMap(({ connections }) => connections)
  writer.write({ type: 'sockets', t: monotonicNs(), open })
  for (const device of devices.all) device.leaveHistory()
  stalls.stop()
  await writer.close()
  return [reads, await auditTables(database)]
}

async function allAlive({ instances }: OpenedWorld): Promise<Check> {
  const answers = await Promise.all(
    instances.map(async ({ name, url, server }) => {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(10_000) }).catch(() => null)
      return response?.ok
        ? []
        : [`${name} is not ready: ${response?.status ?? 'no answer'}\n${server.output().slice(-2_000)}`]
    }),
  )
  return { name: 'every server is ready at the end', checked: instances.length, violations: answers.flat() }
}

/** Beside the history, for whoever looks into a violation. */
async function keepLogs({ historyPath, instances }: OpenedWorld): Promise<void> {
  for (const { name, output } of instances)
    await writeFile(join(dirname(historyPath), `${name}.log`), output())
}
