import proxyAddr from '@fastify/proxy-addr'

/** A value as read, or what is wrong with it. */
export type Reading<T> = { readonly value: T } | { readonly mistake: string }

type Read<T> = (text: string) => Reading<T>

const no = (mistake: string): { mistake: string } => ({ mistake })

export const host: Read<string> = (text) =>
  /^[A-Za-z0-9.:_-]+$/.test(text) ? { value: text } : no('must be a host name or an address without brackets')

export function integer(min: number, max: number): Read<number> {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? { value } : no(`must be a whole number from ${min} to ${max}`)
  }
}

export function number(above: number, max: number): Read<number> {
  return (text) => {
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
    return value > above && value <= max ? { value } : no(`must be a number above ${above}, at most ${max}`)
  }
}

export function oneOf<T extends string>(names: readonly T[]): Read<T> {
  return (text) => {
    const value = names.find((name) => name === text)
    return value === undefined ? no(`must be one of ${names.join(', ')}`) : { value }
  }
}

export const text: Read<string> = (value) => ({ value })

export const postgresUrl: Read<string> = (value) =>
  /^postgres(ql)?:\/\//.test(value) && URL.canParse(value)
    ? { value }
    : no('must be a URL that begins with postgres:// or postgresql://')

/** Of one server, or of several nodes of one cluster. A query would be read as options of the client, and take what holds it up. */
export const redisUrls: Read<RedisUrls> = (value) => {
  const [first, ...others] = listOf(value)
  if (first === undefined || ![first, ...others].every(isRedisUrl))
    return no(
      'must be a URL like redis://host:6379/0 or rediss://host, without a query, or several separated by commas',
    )
  const isOfCluster = others.length > 0
  if (isOfCluster && [first, ...others].some((url) => databaseOf(url) !== '0'))
    return no('must name no database where it lists several nodes: a cluster has one')
  if (new Set([first, ...others].map((url) => new URL(url).protocol)).size > 1)
    return no('must begin with redis:// at all nodes of a cluster, or with rediss:// at all of them')
  return { value: [first, ...others] }
}

export type RedisUrls = readonly [string, ...string[]]

function isRedisUrl(value: string): boolean {
  if (!/^rediss?:\/\//.test(value) || !URL.canParse(value)) return false
  const { hostname, pathname, search, hash } = new URL(value)
  return hostname !== '' && /^(\/\d{0,5})?$/.test(pathname) && search === '' && hash === ''
}

const databaseOf = (url: string): string => new URL(url).pathname.slice(1) || '0'

const SENTINEL_PORT = '26379'

/** As URLs, each with its port. Of all the client knows one user and one password. */
export const redisSentinels: Read<RedisUrls> = (value) => {
  const urls = listOf(value).map((item) => (item.includes('://') ? item : `redis://${item}`))
  if (urls.length === 0 || !urls.every(isSentinelUrl))
    return no('must be addresses like host:26379, or redis://:password@host:26379, separated by commas')
  const [first, ...others] = urls.map((url) => new URL(url)) as [URL, ...URL[]]
  if (others.some((url) => accessOf(url) !== accessOf(first)))
    return no('must have the same scheme, user and password at each address')
  return { value: [withPort(first), ...others.map(withPort)] }
}

/** Of such URLs the parser takes a host of almost any characters. */
const isSentinelUrl = (value: string): boolean =>
  isRedisUrl(value) &&
  databaseOf(value) === '0' &&
  /^([A-Za-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(new URL(value).hostname)

const accessOf = ({ protocol, username, password }: URL): string => `${protocol}//${username}:${password}@`

function withPort(url: URL): string {
  url.port ||= SENTINEL_PORT
  return url.href
}

/** Those of which Sentinel itself takes names. */
export const redisSentinelName: Read<string> = (value) =>
  /^[A-Za-z0-9._-]{1,100}$/.test(value)
    ? { value }
    : no('must be the name of a master, of letters, digits, dots, dashes and underscores')

/** Braces would decide the slot of every key in a cluster. */
export const redisPrefix: Read<string> = (value) =>
  /^[\x21-\x7a|~]{1,100}$/.test(value)
    ? { value }
    : no('must be up to 100 characters of printable ASCII, without spaces and braces')

/** Guessable ones are refused as well as short ones: anyone who knows it can sign in as anybody. */
export const secret: Read<string> = (value) => {
  if (Buffer.byteLength(value) < 32) return no('must have at least 32 bytes')
  if (new Set(value).size < 8 || /change.?me|default|example|password|placeholder/i.test(value))
    return no('must be random, not a placeholder')
  return { value }
}

export function token(minBytes: number): Read<string> {
  return (value) => {
    if (!/^[\x21-\x7e]+$/.test(value)) return no('must be printable ASCII without spaces')
    return value.length < minBytes ? no(`must have at least ${minBytes} characters here`) : { value }
  }
}

const originOf = (value: string): string | null =>
  /^https?:\/\//.test(value) && URL.canParse(value) ? new URL(value).origin : null

export const baseUrl: Read<string> = (value) => {
  const origin = originOf(value)
  if (origin === null || (value !== origin && value !== `${origin}/`))
    return no('must be like https://chat.example.org, without a path')
  return { value: origin }
}

const listOf = (value: string): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

export const origins: Read<readonly string[]> = (value) => {
  const all = listOf(value)
  const wrong = all.find((item) => originOf(item) !== item)
  return wrong === undefined
    ? { value: all }
    : no('must be origins like https://chat.example.org, in lower case, without a path, separated by commas')
}

export const networks: Read<readonly string[]> = (value) => {
  const all = listOf(value)
  try {
    proxyAddr.compile(all)
    return { value: all }
  } catch {
    return no('must be IP addresses, networks like 10.0.0.0/8, or loopback, separated by commas')
  }
}
