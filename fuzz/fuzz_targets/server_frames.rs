//! Frames that servers say, made up by libFuzzer, for the body of the same subject in `src/`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dragoman_fuzz::frames::of_servers(data));
