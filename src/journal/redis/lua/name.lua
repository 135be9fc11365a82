-- Fixes a pair of ids. In: a canonical id; `bind` and a native one, or `fixed` and the one to have if it has none, or
-- `integer` and the one to try first. Out: 1 and the native id, or 0 and what the native id means already.
local native_of, canonical_of, allocated = unpack(KEYS)
local canonical, how, native = unpack(ARGV)
if how ~= 'bind' then
  local known = redis.call('HGET', native_of, canonical)
  if known then return { 1, known } end
end
if how == 'integer' and (native == '' or redis.call('HEXISTS', canonical_of, native) == 1) then
  repeat
    native = string.format('%.0f', redis.call('INCR', allocated))
  until redis.call('HEXISTS', canonical_of, native) == 0
end
local bound = redis.call('HGET', canonical_of, native)
if bound and bound ~= canonical then return { 0, bound } end
redis.call('HSET', canonical_of, native, canonical)
redis.call('HSET', native_of, canonical, native)
return { 1, native }
