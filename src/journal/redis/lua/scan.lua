-- Documents in order of their keys, from one key to another: key, value of each.
local values = KEYS[1]
local found = {}
for at, key in ipairs(redis.call('ZRANGEBYLEX', values .. ':keys', ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  found[at] = { key, redis.call('HGET', values, key) or '' }
end
return found
