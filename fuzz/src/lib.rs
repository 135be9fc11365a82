//! What is thrown at each parser, and what must hold whatever comes. In: arbitrary bytes. Out: nothing; a panic is a find.
//! `fuzz_targets/` throws what libFuzzer makes up, `tests/hostile/mutated.rs` changed examples in every run of the tests.

pub mod configs;
pub mod dialects;
pub mod edge;
pub mod frames;
pub mod images;
pub mod names;
