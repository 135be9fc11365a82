-- Puts an event at the end of its conversation, once per intent and once per origin key; writes its documents and tells
-- its audience in the same step. Answers sequence, id, whether it was there already, and then the event.
local events, amended, keys, places, counter, intent = unpack(KEYS)
local prefix, conversation, event, own_id, own_bucket, key = take(), take(), take(), take(), take(), take()
local bucket, buckets, intent_life, longest, oldest = take(), tonumber(take()), take(), tonumber(take()), tonumber(take())

local earlier = redis.call('GET', intent)
if earlier then
  local sequence, id = string.match(earlier, '^(%d+) (.*)$')
  return { sequence, id, 0 }
end

if key ~= '' then
  local sequence = redis.call('HGET', keys, key)
  local entry = sequence and redis.call('XRANGE', events, sequence .. '-0', sequence .. '-0')[1]
  if entry then
    return { sequence, entry[2][2], 1, redis.call('HGET', amended, sequence) or entry[2][4] }
  end
end

local last = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
local sequence = digits(last and tonumber(string.match(last[1], '^%d+')) + 1 or 1)
local id, allocated = own_id, nil
if id == '' then
  repeat
    id = digits(redis.call('INCR', counter) * buckets + bucket)
  until redis.call('HEXISTS', places, id) == 0
  allocated = id
end

local time = now()
redis.call('XADD', events, sequence .. '-0',
  'id', id, 'event', event, 'at', digits(time), 'key', key, 'bucket', own_bucket)
-- An event about a message (a receipt) may carry the message's id; the id goes on naming the message.
redis.call('HSETNX', places, id, sequence .. ' ' .. conversation)
if key ~= '' then redis.call('HSET', keys, key, sequence) end
redis.call('SET', intent, sequence .. ' ' .. id, 'PX', intent_life)
write_documents(prefix)
tell(prefix, conversation, sequence, allocated, event)

-- What is too much or too old goes, some at each append. The last stays: it carries the count.
if longest > 0 or oldest > 0 then
  local surplus = longest > 0 and redis.call('XLEN', events) - longest or 0
  local first_kept
  for at, entry in ipairs(redis.call('XRANGE', events, '-', '(' .. sequence .. '-0', 'COUNT', 32)) do
    local fields = entry[2]
    if at > surplus and not (oldest > 0 and time - tonumber(fields[6]) > oldest) then break end
    local number = string.match(entry[1], '^%d+')
    local named = prefix .. ':{' .. fields[10] .. '}:places'
    if redis.call('HGET', named, fields[2]) == number .. ' ' .. conversation then
      redis.call('HDEL', named, fields[2])
    end
    redis.call('HDEL', amended, number)
    if fields[8] ~= '' then redis.call('HDEL', keys, fields[8]) end
    first_kept = digits(tonumber(number) + 1)
  end
  if first_kept then redis.call('XTRIM', events, 'MINID', first_kept .. '-0') end
end
return { sequence, id, 0 }
