//! What every store promises; each implementation's tests run this suite.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};

use super::{About, Intended, Listed, Object, Store, StoreError};

pub async fn hold(store: Arc<dyn Store>) {
    whole_or_nothing(&*store).await;
    names_are_kept(&*store).await;
    keys_stay_inside(&*store).await;
    parts(&*store).await;
    the_last_to_finish_stays(&*store).await;
    an_object_is_finished_as_it_was_begun(&*store).await;
    all_are_listed_in_order(&*store).await;
    assert!(store.healthy().await.is_ok());
    assert!(!store.probe().await.expect("all is permitted").is_empty());
    assert!(keys(&*store, "", None).await.iter().all(|key| !key.contains("probe")), "the probe is gone");
}

async fn keys(store: &dyn Store, folder: &str, after: Option<&str>) -> Vec<String> {
    let listed: Vec<Listed> = store.list(folder, after).try_collect().await.expect("listed");
    listed.into_iter().map(|listed| listed.key).collect()
}

async fn put(store: &dyn Store, key: &str, bytes: &'static [u8]) {
    let mut writing = store.create(&Intended::default()).await.expect("begins");
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
        let mut writing = store.create(&Intended::default()).await.expect("begins");
        for _ in 0..cut {
            writing.write(Bytes::from(vec![7; 10_000])).await.expect("writes");
        }
        assert!(is_missing(store, &key).await, "not visible before it is finished");
        drop(writing);
        assert!(is_missing(store, &key).await, "cut after {cut} chunks");
    }
    let mut writing = store.create(&Intended::default()).await.expect("begins");
    for _ in 0..20 {
        writing.write(Bytes::from(vec![7; 10_000])).await.expect("writes");
    }
    writing.finish("whole").await.expect("finishes");
    let object = store.read("whole", None).await.expect("there");
    assert_eq!((object.about.size, object.range.clone()), (200_000, 0..200_000));
    assert!(object.about.modified.is_some());
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
        let writing = store.create(&Intended::default()).await.expect("begins");
        assert!(matches!(writing.finish(key).await, Err(StoreError::Key)), "{key:?} is written");
        assert!(matches!(store.read(key, None).await.map(|_| ()), Err(StoreError::Key)), "{key:?} is read");
        assert!(matches!(store.remove(key).await, Err(StoreError::Key)), "{key:?} is removed");
    }
}

async fn parts(store: &dyn Store) {
    put(store, "parts", b"0123456789").await;
    for (range, expected) in [(0..10, "0123456789"), (3..5, "34"), (9..99, "9"), (10..20, ""), (50..60, "")] {
        let object = store.read("parts", Some(range.clone())).await.expect("there");
        assert_eq!(object.about.size, 10);
        assert_eq!(bytes(object).await, expected, "{range:?}");
    }
}

/// Two who write under one key at once: the whole object of one of them is there, never a mix.
async fn the_last_to_finish_stays(store: &dyn Store) {
    let mut first = store.create(&Intended::default()).await.expect("begins");
    let mut second = store.create(&Intended::default()).await.expect("begins");
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

/// The key of the beginning is the key of the end, and no other.
async fn an_object_is_finished_as_it_was_begun(store: &dyn Store) {
    let intended =
        Intended { key: Some("begun/for this".to_owned()), content_type: Some("text/plain; charset=utf-8".to_owned()) };
    for (key, is_right) in [("begun/for that", false), ("begun/for this", true)] {
        let mut writing = store.create(&intended).await.expect("begins");
        writing.write(Bytes::from_static(b"hello")).await.expect("writes");
        let finished = writing.finish(key).await;
        assert_eq!(finished, if is_right { Ok(()) } else { Err(StoreError::Key) }, "{key}");
    }
    assert!(is_missing(store, "begun/for that").await);
    let about = store.about("begun/for this").await.expect("there");
    let object = store.read("begun/for this", Some(1..2)).await.expect("there");
    assert_eq!((about.size, object.about), (5, about));
    assert_eq!(store.about("begun/for that").await, Err(StoreError::NotFound));
    assert!(store.about("begun").await.is_err(), "a folder is no object");
}

async fn all_are_listed_in_order(store: &dyn Store) {
    let in_order = ["list/a", "list/a b/1", "list/a-b", "list/a/b", "list/a/b!c", "list/a/b-c/d", "list/b", "list/ب/۱"];
    for key in in_order.iter().rev().filter(|key| !key.starts_with("list/a/")).chain(&["other/x"]) {
        put(store, key, b"12345").await;
    }
    // A store with folders has no object of the same name as one of them.
    store.remove("list/a").await.expect("removed");
    for key in in_order.iter().filter(|key| key.starts_with("list/a/")) {
        put(store, key, b"12345").await;
    }
    let in_order = &in_order[1..];
    assert_eq!(keys(store, "list", None).await, in_order);
    for (at, key) in in_order.iter().enumerate() {
        assert_eq!(keys(store, "list", Some(key)).await, in_order[at + 1..], "after {key}");
    }
    assert_eq!(keys(store, "list/a", None).await, ["list/a/b", "list/a/b!c", "list/a/b-c/d"]);
    assert_eq!(keys(store, "list", Some("list/a/zzz")).await, ["list/b", "list/ب/۱"]);
    assert!(keys(store, "", None).await.windows(2).all(|two| two[0] < two[1]));
    assert_eq!(keys(store, "nothing", None).await, [""; 0]);
    let first: Option<Listed> = store.list("list", None).try_next().await.expect("listed");
    let about: About = first.expect("one").about;
    assert!(about.size == 5 && about.modified.is_some());
    assert!(matches!(store.list("../x", None).try_next().await, Err(StoreError::Key)));
}
