-- What every script that writes begins with. Arguments are read one after the other.
local place = 0
local function take()
  place = place + 1
  return ARGV[place]
end

-- Milliseconds by the server's clock: the only one that dates what is kept.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A number as its digits, however large.
local function digits(number)
  return string.format('%.0f', number)
end

-- Writes documents, removes those that are not kept. Arguments: how many; of each collection, key, kept, value.
local function write_documents(prefix)
  for _ = 1, tonumber(take()) do
    local collection, key, kept, value = take(), take(), take(), take()
    local values = prefix .. ':{documents}:' .. collection
    if kept == '1' then
      redis.call('HSET', values, key, value)
      redis.call('ZADD', values .. ':keys', 0, key)
    else
      redis.call('HDEL', values, key)
      redis.call('ZREM', values .. ':keys', key)
    end
  end
end

-- The first number that a feed keeps, and for how long: more than its length where readers reserved it, within a bound.
local function kept(readers, number, bounds)
  local first, life = number - bounds.length, bounds.life
  for _, reader in ipairs(redis.call('HVALS', readers)) do
    local after, till = string.match(reader, '^(%d+) (%d+)$')
    if tonumber(till) >= now() then
      first, life = math.min(first, tonumber(after)), bounds.reserved_life
    end
  end
  return math.max(first, number - bounds.longest, 0) + 1, life
end

-- Tells an audience, and keeps for a while that it was told. Arguments: how much is kept, how long in milliseconds, the
-- same where it is reserved, a mark, the audience's line, how many topics, the topics.
local function tell(prefix, conversation, sequence, id, event)
  local bounds = { length = tonumber(take()), life = take(), longest = tonumber(take()), reserved_life = take() }
  local mark, audience, count = take(), take(), tonumber(take())
  if count == 0 then return end
  local told = prefix .. ':told'
  -- A prefix in braces is a cluster's: its channels are of the shard that this runs in.
  local publish = string.sub(prefix, 1, 1) == '{' and 'SPUBLISH' or 'PUBLISH'
  local turn = digits(redis.call('HINCRBY', told, 'turn:' .. conversation, 1))
  local topics, numbers = {}, {}
  for at = 1, count do
    local topic = take()
    local number = digits(redis.call('HINCRBY', told, topic, 1))
    topics[at], numbers[at] = topic, number
    local feed = prefix .. ':feed:' .. topic
    local first, life = kept(prefix .. ':readers:' .. topic, tonumber(number), bounds)
    local function add()
      return redis.pcall('XADD', feed, 'MINID', '~', digits(first) .. '-0', number .. '-0',
        'conversation', conversation, 'sequence', sequence, 'turn', turn, 'mark', mark)
    end
    local added = add()
    if type(added) == 'table' and added.err then
      -- The feed is ahead of its count: the count was lost and the feed was not. It cannot be gone on with.
      redis.call('DEL', feed)
      add()
    end
    redis.call('PEXPIRE', feed, life)
  end
  -- Whoever hears of it at one topic knows where it is in all of them.
  local rest = mark .. ' ' .. turn .. ' ' .. sequence .. ' ' .. table.concat(numbers, ',')
  if id then rest = rest .. ' ' .. id end
  for at = 1, count do
    local line = 'told ' .. numbers[at] .. ' ' .. rest
    redis.call(publish, prefix .. ':tell:' .. topics[at], line .. '\n' .. audience .. '\n' .. event)
  end
end
