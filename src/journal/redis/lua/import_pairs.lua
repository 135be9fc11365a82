-- Takes over pairs of ids, and the last integer that was allocated. Out: nothing; or a native id that means something else
-- here, and what.
local native_of, canonical_of, allocated = unpack(KEYS)
local last = take()
if tonumber(redis.call('GET', allocated) or '0') < tonumber(last) then redis.call('SET', allocated, last) end
for _ = 1, tonumber(take()) do
  local native, canonical, current = take(), take(), take()
  local bound = redis.call('HGET', canonical_of, native)
  if bound and bound ~= canonical then return { native, bound } end
  redis.call('HSET', canonical_of, native, canonical)
  if current == '1' then redis.call('HSET', native_of, canonical, native) end
end
return {}
