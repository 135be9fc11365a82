-- Writes documents in one step, while the first key is this holder's. Answers whether it was.
if redis.call('GET', KEYS[1]) ~= take() then return 0 end
write_documents(take())
return 1
