export * from '../../tests/contracts/index.js'
export { applyEvents, type SnapshotView } from './apply-events.js'
export {
  createTestSystem,
  type SharedWorld,
  type TestSystem,
  type TestSystemOptions,
  type TestUser,
  unwrap,
} from './composition.js'
export { RecordedNotices } from './recorded-notices.js'
