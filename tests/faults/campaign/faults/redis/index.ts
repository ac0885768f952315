import type { Fault } from '../../fault.js'
import { threeDevices } from '../c9-three-devices.js'
import { largeRoom } from '../h1-large-room.js'
import { zombie } from '../n3-zombie.js'
import { bugs, heapLimit } from '../n5-crash.js'
import { clockJumps, clocksApart } from '../n6-clocks.js'
import { latePushes } from './c5-late-pushes.js'
import { OUTAGES } from './outages.js'
import { FROZEN } from './r2-frozen.js'
import { returnsEmpty } from './r3-empty.js'
import { awayWhileChanging, returnsOld } from './r4-old-snapshot.js'
import { evicted } from './r7-evicted.js'
import { cutOff, oneWay, slowListener, subscriptionsCut } from './r9-deaf.js'
import { flapping } from './r13-flapping.js'
import { answersCut, answersSliced } from './r14-broken-answers.js'
import { garbage } from './r16-garbage.js'
import { arrives, leaves } from './r17-absent.js'
import { untold } from './r19-untold.js'
import { lateFills } from './r20-late-fills.js'
import { withRedis } from './with-redis.js'
import { DOUBLES } from './x-double.js'

const NUMBER = /^R(\d+)/

const OWN: readonly Fault[] = [
  ...OUTAGES,
  ...FROZEN,
  returnsEmpty,
  returnsOld,
  evicted,
  subscriptionsCut,
  slowListener,
  cutOff,
  oneWay,
  flapping,
  answersCut,
  answersSliced,
  garbage,
  arrives,
  leaves,
  awayWhileChanging,
  untold,
  lateFills,
]

const numberIn = ({ name }: Fault): number => Number(NUMBER.exec(name)?.[1])

/** Of Redis, by number; then those of others that go on with a Redis, and two at once. */
export const REDIS_FAULTS: readonly Fault[] = [
  ...OWN.toSorted((a, b) => numberIn(a) - numberIn(b)),
  ...[zombie, bugs, heapLimit, clockJumps, clocksApart].map(withRedis),
  latePushes,
  ...[threeDevices, largeRoom].map(withRedis),
  ...DOUBLES,
]
