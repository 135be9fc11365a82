-- Writes documents in one step.
write_documents(take())
return 1
