/**
 * Presence in Redis, all in one slot: `leases` (a sorted set of processes by the end of their leases), `since` (when these began),
 * `user:<id>` (a hash: process and socket to state), `boot:<id>` (whose sockets a process has), `writes` (the number of each
 * process's last write), `seen:<id>` (when a user was last there) and `changes` (users by the number of their last change, which is a
 * time in µs, or one more than the number before).
 *
 * A process numbers what it writes, and a number that is not above the last one is refused: a command that was given up may be carried
 * out after all, when later ones have been.
 *
 * What is there of another type, or is no number, state or user, somebody else has written: it gives way, and where that loses anything
 * all leases begin anew (`since`), so that each process restores what it has. While `lost` is there, for a lease after that and after a
 * process has found its own lease or a confirmed write of its own gone, some may be missing whose processes have not yet done so.
 *
 * The first argument of each script is what all names begin with; names made in a script lie in the slot of the first key.
 */
const COMMON = `local prefix, boot = ARGV[1], ARGV[2]
local time = redis.call('time')
local us = time[1] * 1000000 + time[2]
local now = us / 1000
local leases = KEYS[1]
local function noteLoss() redis.call('set', prefix .. 'lost', '1', 'px', LEASE_MS) end
local function beginAnew()
  noteLoss()
  redis.call('del', prefix .. 'since')
end
local function on(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then
    redis.call('del', key)
    beginAnew()
  end
  return redis.call(command, key, ...)
end
local function numberOf(text)
  return text and #text <= 16 and string.find(text, '^%d+$') and tonumber(text) or nil
end
local function expiryOf(id)
  local score = on('zscore', leases, id)
  return score and tonumber(score)
end
local function isLive(id)
  local expiry = expiryOf(id)
  return expiry and expiry > now
end
local function stateOf(...)
  local result = 'offline'
  for _, states in ipairs({...}) do
    for _, state in ipairs(states) do
      if state == 'online' then return 'online' end
      result = state
    end
  end
  return result
end
local function isLate(number)
  local last = numberOf(on('hget', prefix .. 'writes', boot))
  if last and tonumber(number) <= last then return true end
  on('hset', prefix .. 'writes', boot, number)
  return false
end
local function isSetBack(confirmed)
  return (numberOf(on('hget', prefix .. 'writes', boot)) or 0) < tonumber(confirmed)
end
local function digits(number) return string.format('%.0f', number) end
local function lastChange() return numberOf(on('get', prefix .. 'clock')) or 0 end
local function beganAt(id) return numberOf(on('hget', prefix .. 'since', id)) end
local function record(user)
  local number = digits(math.max(lastChange() + 1, us))
  on('set', prefix .. 'clock', number)
  on('zadd', prefix .. 'changes', number, user)
end
local function remember(user, atMs)
  local key = prefix .. 'seen:' .. user
  local known = numberOf(on('get', key)) or 0
  if atMs > known then on('set', key, digits(math.floor(atMs)), 'px', SEEN_KEPT_MS) end
end
local function eachSocket(user, visit)
  local key = prefix .. 'user:' .. user
  local rows = on('hgetall', key)
  for at = 1, #rows, 2 do
    local field, state = rows[at], rows[at + 1]
    if state == 'online' or state == 'away' then
      visit(field, string.sub(field, 1, 36), state)
    else
      on('hdel', key, field)
      beginAnew()
    end
  end
end
`

/** Stands in the scripts for the ms of a lease. */
export const LEASE_MS = 'LEASE_MS'

const SEEN_KEPT_MS = 30 * 24 * 3_600_000
/** A set of users whose process and lease are both forgotten goes by itself. */
const BOOT_KEPT_MS = 24 * 3_600_000

const script = (body: string): string => `${COMMON.replaceAll('SEEN_KEPT_MS', String(SEEN_KEPT_MS))}${body}`

/**
 * prefix, boot, number, ms, the last number that was confirmed (0: nothing is to be missed) → when the lease began, and the number of the
 * write before (empty: none), or nothing where it comes late.
 */
export const RENEW = script(`local before = on('hget', prefix .. 'writes', boot) or ''
local isMissed = isSetBack(ARGV[5]) or not isLive(boot)
if isLate(ARGV[3]) then return nil end
if ARGV[5] ~= '0' and isMissed then noteLoss() end
local since = digits(beganAt(boot) or us)
if not (beganAt(boot) and isLive(boot)) then
  since = digits(us)
  on('hset', prefix .. 'since', boot, since)
end
on('zadd', leases, string.format('%.3f', now + ARGV[4]), boot)
on('pexpire', prefix .. 'boot:' .. boot, ${BOOT_KEPT_MS})
return { since, before }`)

/**
 * prefix, boot, number, user, socket, the state before (empty: none known), the state after (empty: gone) → the user's states before
 * and after, or nothing, and nothing done, where the process has no lease, or where this comes late.
 */
export const CHANGE = script(`if not isLive(boot) or isLate(ARGV[3]) then return nil end
local user, socket, before, after = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local key = prefix .. 'user:' .. user
local own = boot .. ' ' .. socket
local others, left, mine, more = {}, {}, {}, false
eachSocket(user, function(field, process, state)
  if field == own then
    -- An earlier attempt to withdraw it may have failed after the process forgot it.
    if before == '' and after == '' then mine = { state } end
  elseif isLive(process) then
    table.insert(others, state)
    more = more or process == boot
  else
    -- Told as gone from now on, so that whoever reaps its process does not tell it again.
    on('hdel', key, field)
    table.insert(left, state)
  end
end)
if before ~= '' then mine = { before } end
local from = stateOf(others, mine)
local to = stateOf(others, after ~= '' and { after } or {})
if after ~= '' then
  on('hset', key, own, after)
  on('sadd', prefix .. 'boot:' .. boot, user)
else
  on('hdel', key, own)
  if not more then on('srem', prefix .. 'boot:' .. boot, user) end
end
if from ~= to or stateOf({ to }, left) ~= to then record(user) end
if from ~= 'offline' and to == 'offline' then remember(user, now) end
return { from, to }`)

/**
 * prefix, boot, number, whether the lease had lapsed, whether the change is recorded, user, how many sockets are settled, these as
 * socket and state, then those that arrive → whether the user's state changed, or nothing where it comes late.
 */
export const RESTORE = script(`if isLate(ARGV[3]) then return nil end
local hasLapsed, isRecorded, user, settled = ARGV[4] == '1', ARGV[5] == '1', ARGV[6], tonumber(ARGV[7])
local key = prefix .. 'user:' .. user
local mySince = beganAt(boot) or us
local keep, after, others, shown = {}, {}, {}, {}
for at = 8, 7 + 2 * settled, 2 do
  keep[boot .. ' ' .. ARGV[at]] = true
  table.insert(after, ARGV[at + 1])
end
for at = 8 + 2 * settled, #ARGV do keep[boot .. ' ' .. ARGV[at]] = true end
eachSocket(user, function(field, process, state)
  if process == boot then
    table.insert(shown, state)
    if not keep[field] then
      on('hdel', key, field)
      remember(user, now)
    end
  -- Of two processes that came back at once, each would find the user there already by the other.
  elseif isLive(process) and (beganAt(process) or us) < mySince then
    table.insert(others, state)
  end
end)
for at = 8, 7 + 2 * settled, 2 do on('hset', key, boot .. ' ' .. ARGV[at], ARGV[at + 1]) end
if next(keep) then
  on('sadd', prefix .. 'boot:' .. boot, user)
else
  on('srem', prefix .. 'boot:' .. boot, user)
end
local to = stateOf(others, after)
local changed = stateOf(others, hasLapsed and {} or shown) ~= to
-- Where nobody has reaped this process meanwhile, its users are shown as it had them.
if isRecorded and (changed or stateOf(others, shown) ~= to) then record(user) end
return changed and 1 or 0`)

/** prefix, boot → the users of whom this process has stored sockets. */
export const STORED_USERS = script(`return on('smembers', prefix .. 'boot:' .. boot)`)

/** prefix, boot, users and how many sockets each has → those of whom others are stored, or who are not in `boot:<id>` and should be. */
export const FIND_ASTRAY = script(`local astray = {}
for at = 3, #ARGV, 2 do
  local stored = 0
  eachSocket(ARGV[at], function(_, process) if process == boot then stored = stored + 1 end end)
  local isListed = on('sismember', prefix .. 'boot:' .. boot, ARGV[at]) == 1
  if stored ~= tonumber(ARGV[at + 1]) or isListed ~= (stored > 0) then table.insert(astray, ARGV[at]) end
end
return astray`)

/**
 * prefix, boot, ms of a lease, ms for which changes are kept → the processes whose leases ran out. What ran out before the asking
 * process's own lease began is left alone for half a lease more, in which it may yet be renewed.
 */
export const FIND_DEAD =
  script(`on('zremrangebyscore', prefix .. 'changes', '-inf', digits(us - ARGV[4] * 1000))
local mySince = beganAt(boot) or us
local isSettled = mySince <= us - ARGV[3] * 1000 / 2
local dead = {}
for _, id in ipairs(on('zrangebyscore', leases, '-inf', now)) do
  if id ~= boot and (isSettled or expiryOf(id) * 1000 >= mySince) then table.insert(dead, id) end
end
return dead`)

/**
 * prefix, a process, ms of a lease, how many users at most, whether it leaves by itself → whether there may be more of it, and the users
 * that are offline by that. Nothing where it lives again.
 */
export const REMOVE = script(`local leaves = ARGV[5] == '1'
local expiry = expiryOf(boot)
if leaves and expiry and expiry > now then
  expiry = now
  on('zadd', leases, string.format('%.3f', now), boot)
end
if expiry and expiry > now then return { 0 } end
local seen = leaves and now or (expiry or now) - ARGV[3]
local limit = tonumber(ARGV[4])
local users = on('spop', prefix .. 'boot:' .. boot, limit)
local answer = { #users == limit and 1 or 0 }
for _, user in ipairs(users) do
  local left, others = {}, {}
  eachSocket(user, function(field, process, state)
    if process == boot then
      table.insert(left, state)
      on('hdel', prefix .. 'user:' .. user, field)
    elseif isLive(process) then
      table.insert(others, state)
    end
  end)
  if stateOf(left, others) ~= stateOf(others) then record(user) end
  if #left > 0 and #others == 0 then
    remember(user, seen)
    table.insert(answer, user)
  end
end
if #users < limit then
  on('zrem', leases, boot)
  on('hdel', prefix .. 'since', boot)
  on('hdel', prefix .. 'writes', boot)
end
return answer`)

/**
 * prefix, boot, ms of a lease, the last number that was confirmed (0: nothing is to be missed), users → whether any may be missing, and of
 * each the state and when the user was last seen (empty: never).
 */
export const STATES = script(`local answer = {}
for at = 5, #ARGV do
  local user = ARGV[at]
  local states = {}
  local seen = numberOf(on('get', prefix .. 'seen:' .. user)) or 0
  eachSocket(user, function(_, process, state)
    if isLive(process) then
      table.insert(states, state)
    else
      local expiry = expiryOf(process)
      if expiry then seen = math.max(seen, math.floor(expiry - ARGV[3])) end
    end
  end)
  table.insert(answer, stateOf(states))
  table.insert(answer, seen > 0 and digits(seen) or '')
end
local isMissed = redis.call('pttl', prefix .. 'lost') > 0
if ARGV[4] ~= '0' then isMissed = isMissed or isSetBack(ARGV[4]) or not isLive(boot) end
table.insert(answer, 1, isMissed and 1 or 0)
return answer`)

/** prefix, a number (empty: no users are wanted) → the number of the last change, and who changed after the given one. */
export const CHANGES = script(`local last = digits(lastChange())
if boot == '' then return { last } end
local users = on('zrangebyscore', prefix .. 'changes', '(' .. boot, '+inf')
table.insert(users, 1, last)
return users`)
