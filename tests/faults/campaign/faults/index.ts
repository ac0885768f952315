import type { Fault, StandaloneFault } from '../fault.js'
import { slowReaders } from './c1-slow-readers.js'
import { reconnectStorm } from './c2-reconnect-storm.js'
import { sentTwice } from './c3-sent-twice.js'
import { lostAcks } from './c4-lost-acks.js'
import { lateBus } from './c5-late-bus.js'
import { halfOpen } from './c6-half-open.js'
import { movingClients } from './c7-moving-clients.js'
import { joinAtPeak } from './c8-join-at-peak.js'
import { threeDevices } from './c9-three-devices.js'
import { calm } from './calm.js'
import { largeRoom } from './h1-large-room.js'
import { stampede } from './h2-stampede.js'
import { killedBeforeAck, killedBeforeCommit, killedBeforePush } from './n1-cut-points.js'
import { rollingRestart } from './n2-rolling-restart.js'
import { zombie } from './n3-zombie.js'
import { stalledLoop } from './n4-stall.js'
import { bugs, heapLimit } from './n5-crash.js'
import { clockJumps, clocksApart } from './n6-clocks.js'
import { fileLimit } from './n7-file-limit.js'
import { restart } from './p1-restart.js'
import { lostCommits } from './p2-lost-commits.js'
import { noConnections } from './p3-no-connections.js'
import { frozen } from './p4-frozen.js'
import { rolledBack } from './p5-rolled-back.js'
import { slowCommits } from './p6-slow-commits.js'
import { fullDiskEmbedded } from './p7-embedded.js'
import { fullDisk } from './p7-full-disk.js'
import { lockedRoom } from './p9-locked-room.js'
import { killedEmbedded } from './p11-killed-embedded.js'
import { REDIS_FAULTS } from './redis/index.js'

/** Everything that `npm run faults` knows, in the order of its table. */
export const FAULTS: readonly (Fault | StandaloneFault)[] = [
  calm,
  killedBeforeCommit,
  killedBeforeAck,
  killedBeforePush,
  rollingRestart,
  zombie,
  stalledLoop,
  bugs,
  heapLimit,
  clockJumps,
  clocksApart,
  fileLimit,
  restart,
  lostCommits,
  noConnections,
  frozen,
  rolledBack,
  slowCommits,
  fullDisk,
  fullDiskEmbedded,
  lockedRoom,
  killedEmbedded,
  slowReaders,
  reconnectStorm,
  sentTwice,
  lostAcks,
  lateBus,
  halfOpen,
  movingClients,
  joinAtPeak,
  threeDevices,
  largeRoom,
  stampede,
  ...REDIS_FAULTS,
]
