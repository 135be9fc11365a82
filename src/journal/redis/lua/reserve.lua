-- Keeps a feed for a reader after a number, from now on for so many milliseconds. Forgets readers whose time is over.
local readers, time = KEYS[1], now()
local reader, after, life = take(), take(), tonumber(take())
local all = redis.call('HGETALL', readers)
for at = 1, #all, 2 do
  if tonumber(string.match(all[at + 1], '%d+$')) < time then redis.call('HDEL', readers, all[at]) end
end
redis.call('HSET', readers, reader, after .. ' ' .. digits(time + life))
redis.call('PEXPIRE', readers, life)
return 1
