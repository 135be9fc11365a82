-- Takes over events of a conversation with their sequence numbers, ids and keys. What is there with its id is passed over,
-- or amended. Out: 1 and how many are new; or 0 and the first that is another event here.
local events, amended, keys = unpack(KEYS)
local last = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
local reached = last and tonumber(string.match(last[1], '^%d+')) or 0
local new = 0
for _ = 1, tonumber(take()) do
  local sequence, id, event, at, key, bucket = take(), take(), take(), take(), take(), take()
  if tonumber(sequence) > reached then
    redis.call('XADD', events, sequence .. '-0', 'id', id, 'event', event, 'at', at, 'key', key, 'bucket', bucket)
    if key ~= '' then redis.call('HSET', keys, key, sequence) end
    new = new + 1
  else
    local entry = redis.call('XRANGE', events, sequence .. '-0', sequence .. '-0')[1]
    if not entry or entry[2][2] ~= id then return { 0, sequence } end
    if (redis.call('HGET', amended, sequence) or entry[2][4]) ~= event then
      redis.call('HSET', amended, sequence, event)
    end
  end
end
return { 1, digits(new) }
