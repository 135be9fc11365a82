-- Events of a conversation from one sequence number to another, as last amended: sequence, id, event of each.
local events, amended = unpack(KEYS)
local command, from, to, limit = unpack(ARGV)
local found = {}
for at, entry in ipairs(redis.call(command, events, from, to, 'COUNT', limit)) do
  local sequence = string.match(entry[1], '^%d+')
  found[at] = { sequence, entry[2][2], redis.call('HGET', amended, sequence) or entry[2][4] }
end
return found
