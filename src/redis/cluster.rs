//! Redis Cluster: which node has our keys. All names of one prefix lie in one hash slot, so that what belongs together is
//! written together; the node that has this slot is the one to talk to, until it says otherwise.

use ::redis::{FromRedisValue, Value};

use crate::tasks::Tasks;

use super::connect::{self, Login};
use super::error::RedisError;
use super::settings::{Endpoint, RedisSettings};

/// Hash slots of a cluster (redis.io, "Redis cluster specification").
const SLOTS: u16 = 16_384;

/// The slot of a prefix in braces: CRC16 (XMODEM) of what is between them.
pub fn slot(tag: &str) -> u16 {
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        let mixed = crc ^ (u16::from(byte) << 8);
        (0..8).fold(mixed, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    });
    crc % SLOTS
}

/// The master that has our slot, by the first node that says so.
pub async fn owner(settings: &RedisSettings, nodes: &[Endpoint], tasks: &Tasks) -> Result<Endpoint, RedisError> {
    let mut why = RedisError::Away("no node of the cluster is configured".to_owned());
    for node in nodes {
        match ask(settings, node, tasks).await {
            Ok(owner) => return Ok(owner),
            Err(error) => why = error,
        }
    }
    Err(why)
}

async fn ask(settings: &RedisSettings, node: &Endpoint, tasks: &Tasks) -> Result<Endpoint, RedisError> {
    let mut connected = connect::connect(settings, node, Login::of(settings), None, &[], tasks).await?;
    let mut command = ::redis::cmd("CLUSTER");
    command.arg("SLOTS");
    let answer: Value = command.query_async(&mut connected.connection).await.map_err(|error| RedisError::of(&error))?;
    let found = find(&answer, slot(&settings.prefix), node);
    found.ok_or_else(|| RedisError::Away(format!("{node}: nobody has our slot")))
}

/// The master of a slot in an answer to `CLUSTER SLOTS`: ranges of slots, each with its master first.
fn find(answer: &Value, slot: u16, asked: &Endpoint) -> Option<Endpoint> {
    let Value::Array(ranges) = answer else { return None };
    ranges.iter().find_map(|range| {
        let Value::Array(range) = range else { return None };
        let [first, last, Value::Array(master), ..] = range.as_slice() else { return None };
        let number = |value: &Value| u16::from_redis_value_ref(value).ok();
        if !(number(first)?..=number(last)?).contains(&slot) {
            return None;
        }
        // A node that does not know its own address is where it was asked.
        let host = Option::<String>::from_redis_value_ref(master.first()?).ok()?;
        let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| asked.host.clone());
        Some(Endpoint { host, port: number(master.get(1)?)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // CRC16 of "123456789" is 0x31C3, as the specification says; the others by `CLUSTER KEYSLOT`.
        assert_eq!(slot("123456789"), 0x31C3 % SLOTS);
        assert_eq!(slot("foo"), 12_182);
        assert_eq!(slot(""), 0);
    }

    #[test]
    fn the_owner_of_a_slot() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let node = |host: Value, port| Value::Array(vec![host, Value::Int(port), text("id")]);
        let range = |first, last, master| Value::Array(vec![Value::Int(first), Value::Int(last), master]);
        let answer = Value::Array(vec![
            range(0, 8_000, node(text("10.0.0.1"), 7_000)),
            range(8_001, 16_383, node(Value::Nil, 7_001)),
        ]);
        let asked = Endpoint { host: "seed".to_owned(), port: 1 };
        let found = |slot| find(&answer, slot, &asked).map(|endpoint| endpoint.to_string());
        assert_eq!(found(8_000).as_deref(), Some("10.0.0.1:7000"));
        assert_eq!(found(8_001).as_deref(), Some("seed:7001"));
        assert_eq!(find(&Value::Array(Vec::new()), 1, &asked), None);
    }
}
