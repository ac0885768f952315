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

/** Everything that `npm run faults` knows, in the order of its table. */
export const FAULTS: readonly (Fault | StandaloneFault)[] = [
  calm,
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
]
