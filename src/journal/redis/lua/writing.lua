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

-- Takes what the next arguments say of how much a feed keeps: of how many, how long in milliseconds, the same where it is
-- reserved.
local function take_bounds()
  return { length = tonumber(take()), life = take(), longest = tonumber(take()), reserved_life = take() }
end

-- Counts an entry at a topic and keeps it for a while; gives its number.
local function note(prefix, topic, bounds, conversation, sequence, turn, mark)
  local number = digits(redis.call('HINCRBY', prefix .. ':told', topic, 1))
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
  return number
end

-- A mark of this very time that something is done: done again elsewhere, since a server was lost that did it, it has
-- another. Half of the digits that are counted with exactly here, and never 0.
local function marked(mark)
  local time = redis.call('TIME')
  return digits((tonumber(mark) + time[1] * 1000000 + time[2]) % (2 ^ 52 - 1) + 1)
end

-- A prefix in braces is a cluster's: its channels are of the shard that this runs in.
local function say(prefix, topic, line)
  local publish = string.sub(prefix, 1, 1) == '{' and 'SPUBLISH' or 'PUBLISH'
  redis.call(publish, prefix .. ':tell:' .. topic, line)
end

-- Tells an audience, and keeps for a while that it was told. Arguments: bounds, a mark, the audience's line, how many
-- topics, the topics.
local function tell(prefix, conversation, sequence, id, event)
  local bounds = take_bounds()
  local mark, audience, count = take(), take(), tonumber(take())
  if count == 0 then return end
  mark = marked(mark)
  local turn = digits(redis.call('HINCRBY', prefix .. ':told', 'turn:' .. conversation, 1))
  local topics, numbers = {}, {}
  for at = 1, count do
    topics[at] = take()
    numbers[at] = note(prefix, topics[at], bounds, conversation, sequence, turn, mark)
  end
  -- Whoever hears of it at one topic knows where it is in all of them.
  local rest = mark .. ' ' .. turn .. ' ' .. sequence .. ' ' .. table.concat(numbers, ',')
  if id then rest = rest .. ' ' .. id end
  for at = 1, count do
    local line = 'told ' .. numbers[at] .. ' ' .. rest
    say(prefix, topics[at], line .. '\n' .. audience .. '\n' .. event)
  end
end
