//! Images that are stripped or written anew, made up by libFuzzer, for the body of the same subject in `src/`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dragoman_fuzz::images::treated(data));
