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
    assert_eq!((object.size, bytes(object).await.len()), (200_000, 200_000));
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
    let long = "n".repeat(256);
    for key in ["", ".", "..", "../x", "a/../x", "/etc/passwd", "a//b", "a/", "a\\b", "a\0b", &long] {
        let writing = store.create().await.expect("begins");
        assert!(matches!(writing.finish(key).await, Err(StoreError::Key)), "{key:?} is written");
        assert!(matches!(store.read(key, None).await.map(|_| ()), Err(StoreError::Key)), "{key:?} is read");
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
