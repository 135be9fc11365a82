//! Files between dialects: a URL, a row id and an upload token are handles of one file. In: the handle that one side
//! gave. Out: the handle, the name or the bytes that the other side needs.

pub mod file_name;
