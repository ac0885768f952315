/** How the servers of a run write their keys and channels in Redis (`PARLEY_REDIS_PREFIX` by default). */
export const PREFIX = 'parley:'
export const CHANNEL = `${PREFIX}{bus}`
export const CACHE_PREFIX = `${PREFIX}cache:`
