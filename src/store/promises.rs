//! What every store promises; each implementation's tests run this suite.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::{Object, Store, StoreError};

pub async fn hold(store: Arc<dyn Store>) {
    whole_or_nothing(&*store).await;
    names_are_kept(&*store).await;
    keys_stay_inside(&*store).await;
    parts(&*store).await;
    the_last_to_finish_stays(&*store).await;
    assert!(store.healthy().await.is_ok());
}

async fn put(store: &dyn Store, key: &str, bytes: &'static [u8]) {
    let mut writing = store.create().await.expect("begins");
    writing.write(Bytes::from_static(bytes)).await.expect("writes");
    writing.finish(key).await.expect("finishes");
}

async fn bytes(object: Object) -> Bytes {
    let mut all = BytesMut::new();
    let mut chunks = object.chunks;
    while let Some(chunk) = chunks.next().await {
        all.extend_from_slice(&chunk.expect("readable"));
    }
    all.freeze()
}

async fn is_missing(store: &dyn Store, key: &str) -> bool {
    matches!(store.read(key, None).await.map(|_| ()), Err(StoreError::NotFound))
}

/// Cut after each of twenty chunks: nothing is there; written to the end: all is.
async fn whole_or_nothing(store: &dyn Store) {
    for cut in 0..20 {
        let key = format!("cut/{cut}");
        let mut writing = store.create().await.expect("begins");
        for _ in 0..cut {
            writing.write(Bytes::from(vec![7; 10_000])).await.expect("writes");
        }
        assert!(is_missing(store, &key).await, "not visible before it is finished");
        drop(writing);
        assert!(is_missing(store, &key).await, "cut after {cut} chunks");
    }
    let mut writing = store.create().await.expect("begins");
    for _ in 0..20 {
        writing.write(Bytes::from(vec![7; 10_000])).await.expect("writes");
    }
    writing.finish("whole").await.expect("finishes");
    let object = store.read("whole", None).await.expect("there");
    assert_eq!((object.size, object.range.clone()), (200_000, 0..200_000));
    assert!(object.modified.is_some());
    assert_eq!(bytes(object).await, vec![7; 200_000]);
    store.remove("whole").await.expect("removed");
    store.remove("whole").await.expect("nothing there is fine");
    assert!(is_missing(store, "whole").await);
}

async fn names_are_kept(store: &dyn Store) {
    for name in ["گزارش نهایی.pdf", "it's \"quoted\".txt", "two  spaces ", "-rf", "a;b&c|d", "%2e%2e"] {
        let key = format!("names/{name}");
        put(store, &key, b"x").await;
        assert_eq!(bytes(store.read(&key, None).await.expect("there")).await, "x", "{name}");
    }
}

async fn keys_stay_inside(store: &dyn Store) {
    let (long, deep) = ("n".repeat(256), "d/".repeat(5_000) + "d");
    for key in [&deep, "", ".", "..", "../x", "a/../x", "/etc/passwd", "a//b", "a/", "a\\b", "a\0b", &long] {
        let writing = store.create().await.expect("begins");
        assert!(matches!(writing.finish(key).await, Err(StoreError::Key)), "{key:?} is written");
        assert!(matches!(store.read(key, None).await.map(|_| ()), Err(StoreError::Key)), "{key:?} is read");
        assert!(matches!(store.remove(key).await, Err(StoreError::Key)), "{key:?} is removed");
    }
}

async fn parts(store: &dyn Store) {
    put(store, "parts", b"0123456789").await;
    for (range, expected) in [(0..10, "0123456789"), (3..5, "34"), (9..99, "9"), (10..20, ""), (50..60, "")] {
        let object = store.read("parts", Some(range.clone())).await.expect("there");
        assert_eq!(object.size, 10);
        assert_eq!(bytes(object).await, expected, "{range:?}");
    }
}

/// Two who write under one key at once: the whole object of one of them is there, never a mix.
async fn the_last_to_finish_stays(store: &dyn Store) {
    let mut first = store.create().await.expect("begins");
    let mut second = store.create().await.expect("begins");
    for _ in 0..5 {
        first.write(Bytes::from(vec![1; 1_000])).await.expect("writes");
        second.write(Bytes::from(vec![2; 2_000])).await.expect("writes");
    }
    second.finish("same").await.expect("finishes");
    assert_eq!(bytes(store.read("same", None).await.expect("there")).await, vec![2; 10_000]);
    let reading = store.read("same", None).await.expect("there");
    first.finish("same").await.expect("finishes");
    assert_eq!(bytes(store.read("same", None).await.expect("there")).await, vec![1; 5_000]);
    assert_eq!(bytes(reading).await, vec![2; 10_000], "who reads already goes on reading what was there");
}
