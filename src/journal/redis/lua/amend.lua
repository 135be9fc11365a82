-- Replaces an event that is there, once per intent; writes documents and tells an audience in the same step. Answers
-- whether it was there.
local events, amended, intent = unpack(KEYS)
local prefix, conversation, sequence, id, event, intent_life = take(), take(), take(), take(), take(), take()
if redis.call('EXISTS', intent) == 1 then return 1 end
local entry = redis.call('XRANGE', events, sequence .. '-0', sequence .. '-0')[1]
if not entry or entry[2][2] ~= id then return 0 end
redis.call('HSET', amended, sequence, event)
redis.call('SET', intent, '', 'PX', intent_life)
write_documents(prefix)
tell(prefix, conversation, sequence, nil, event)
return 1
