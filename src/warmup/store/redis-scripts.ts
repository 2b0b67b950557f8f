/**
 * KEYS[1] prefix; ARGV: op, collection, id, expected revision, text, at, most; seven for each write. First every
 * expectation, then every write: a script runs alone, so that nothing comes between. Revisions come from one counter, so
 * that a document that was dropped and made again is never taken for the former. Returns 1, or 0 when an expectation
 * was not met.
 */
export const COMMIT = `
local prefix = KEYS[1]
for i = 1, #ARGV, 7 do
  local expect = tonumber(ARGV[i + 3])
  if expect >= 0 then
    local held = redis.call('HGET', prefix .. ':docs:' .. ARGV[i + 1], ARGV[i + 2])
    local revision = 0
    if held then revision = tonumber(string.match(held, '^%d+')) end
    if revision ~= expect then return 0 end
  end
end
local revision = string.format('%.0f', redis.call('INCR', prefix .. ':revision'))
for i = 1, #ARGV, 7 do
  local op, id = ARGV[i], ARGV[i + 2]
  local docs = prefix .. ':docs:' .. ARGV[i + 1]
  local order = docs .. ':order'
  if op == 'put' then
    redis.call('HSET', docs, id, revision .. '\\n' .. ARGV[i + 4])
  elseif op == 'drop' then
    redis.call('HDEL', docs, id)
    redis.call('ZREM', order, id)
  elseif redis.call('ZADD', order, 'NX', ARGV[i + 5], id) == 1 then
    redis.call('HSET', docs, id, revision .. '\\n' .. ARGV[i + 4])
    local old = redis.call('ZRANGE', order, 0, -1 - tonumber(ARGV[i + 6]))
    for _, each in ipairs(old) do
      redis.call('HDEL', docs, each)
      redis.call('ZREM', order, each)
    end
  end
  redis.call('HSET', prefix .. ':versions', ARGV[i + 1], revision)
end
return 1
`;

export const LEASE = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

export const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;
