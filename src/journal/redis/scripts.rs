//! The scripts of the journal: each one step.

use std::sync::LazyLock;

use crate::redis::Script;

macro_rules! script {
    ($name:ident, $file:literal) => {
        pub static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("lua/writing.lua"), include_str!($file))));
    };
}

script!(APPEND, "lua/append.lua");
script!(AMEND, "lua/amend.lua");
script!(PUT, "lua/put.lua");
script!(PUT_CLAIMED, "lua/put_claimed.lua");
script!(RESERVE, "lua/reserve.lua");
script!(LOSE, "lua/lose.lua");
script!(IMPORT_EVENTS, "lua/import_events.lua");
script!(IMPORT_PAIRS, "lua/import_pairs.lua");

pub static READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/read.lua")));
pub static SCAN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/scan.lua")));
pub static NAME: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/name.lua")));
pub static HOLD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/hold.lua")));
pub static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/release.lua")));
pub static IMPORT_COUNTER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/import_counter.lua")));

/// All of them, to be loaded on each connection.
pub static ALL: LazyLock<[&'static Script; 14]> = LazyLock::new(|| {
    [
        &*APPEND,
        &*AMEND,
        &*PUT,
        &*PUT_CLAIMED,
        &*RESERVE,
        &*LOSE,
        &*READ,
        &*SCAN,
        &*NAME,
        &*HOLD,
        &*RELEASE,
        &*IMPORT_EVENTS,
        &*IMPORT_PAIRS,
        &*IMPORT_COUNTER,
    ]
});
