export { AlwaysDeliver } from './always-deliver.js'
