-- Tells topics that something confirmed is not here: each gets an entry that names no event, so that whoever hears the
-- topic, or comes back for it, is told of a gap. Arguments: prefix, bounds, a mark, how many topics, the topics.
local prefix, bounds, mark = take(), take_bounds(), marked(take())
for _ = 1, tonumber(take()) do
  local topic = take()
  say(prefix, topic, 'lost ' .. note(prefix, topic, bounds, '', 0, 0, mark) .. '\n\n')
end
return 1
