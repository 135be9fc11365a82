//! The keys of an identity provider as they are held: rotation, providers that are away, slow or answer nonsense, and
//! tokens of keys that nobody published.

use std::sync::Arc;
use std::time::Duration;

use dragoman::fault::{Fault, Reason};
use dragoman::keyset::{KeySet, KeySetSettings, KeySets, Source};
use dragoman::tasks::Tasks;
use jsonwebtoken::Algorithm;
use tokio::time::{Instant, sleep, timeout};

use super::identity::{Provider, Says, Signer, keys};

/// Longer than anything here may take.
const LONG: Duration = Duration::from_secs(60);

struct Held {
    set: Arc<KeySet>,
    _sets: KeySets,
}

fn settings(provider: &Provider) -> KeySetSettings {
    KeySetSettings { source: Source::url(&provider.url()).unwrap(), refresh: LONG, stale_after: LONG }
}

fn held(settings: KeySetSettings) -> Held {
    let sets = KeySets::new(Tasks::new());
    Held { set: sets.of(&"route".into(), &settings), _sets: sets }
}

impl Held {
    /// Names of the keys for a token.
    async fn ask(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<Option<String>>, Fault> {
        let asked = timeout(Duration::from_secs(8), self.set.keys(id, algorithm)).await.expect("a bounded wait");
        asked.map(|keys| keys.iter().map(|key| key.id.clone()).collect())
    }

    async fn has(&self, id: &str) -> Result<(), Reason> {
        let names = self.ask(Some(id), Algorithm::ES256).await.map_err(|fault| fault.reason)?;
        assert_eq!(names, [Some(id.to_owned())]);
        Ok(())
    }
}

/// Asks again and again until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(15), "{what} did not happen");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn keys_are_found_by_name_and_algorithm() {
    let (rsa, p256, ed25519) = (Signer::rsa("one"), Signer::p256("two"), Signer::ed25519("three"));
    let provider = Provider::start(&[&rsa, &p256, &ed25519]).await;
    let held = held(settings(&provider));
    for (id, algorithm) in [("one", Algorithm::RS256), ("two", Algorithm::ES256), ("three", Algorithm::EdDSA)] {
        assert_eq!(held.ask(Some(id), algorithm).await, Ok(vec![Some(id.to_owned())]));
        assert_eq!(held.ask(None, algorithm).await, Ok(vec![Some(id.to_owned())]), "a token without a name");
    }
    assert_eq!(provider.asked(), 1);
    // A name with another algorithm is another key.
    assert_eq!(held.ask(Some("one"), Algorithm::ES256).await.unwrap_err().reason, Reason::Unauthorized);
}

#[tokio::test]
async fn a_token_of_a_new_key_waits_for_it_and_all_who_wait_cost_one_fetch() {
    let (first, second) = (Signer::p256("first"), Signer::p256("second"));
    let provider = Provider::start(&[&first]).await;
    let held = held(settings(&provider));
    held.has("first").await.unwrap();
    provider.publish(&[&first, &second]);
    provider.take(Duration::from_millis(300));
    let waiting = futures_util::future::join_all((0..100).map(|_| held.has("second")));
    assert!(waiting.await.into_iter().all(|had| had.is_ok()));
    assert_eq!(provider.asked(), 2);
    held.has("first").await.unwrap();
}

#[tokio::test]
async fn ten_thousand_invented_names_cost_two_fetches() {
    let first = Signer::p256("first");
    let provider = Provider::start(&[&first]).await;
    let held = held(settings(&provider));
    held.has("first").await.unwrap();
    let began = Instant::now();
    let names: Vec<String> = (0..10_000).map(|number| format!("invented-{number}")).collect();
    let refusals = futures_util::future::join_all(names.iter().map(|name| held.has(name))).await;
    assert!(refusals.iter().all(|refused| matches!(refused, Err(Reason::Unauthorized | Reason::Busy))), "{refusals:?}");
    let invented = refusals.iter().filter(|refused| **refused == Err(Reason::Unauthorized)).count();
    assert!((1..=256).contains(&invented), "{invented} waited");
    assert!(began.elapsed() < Duration::from_secs(9), "took {:?}", began.elapsed());
    assert_eq!(provider.asked(), 2);
    // Those that were looked for are refused at once; those of the key that is there were never held up.
    assert_eq!(held.has("invented-0").await, Err(Reason::Unauthorized));
    held.has("first").await.unwrap();
    // One that is new now is told to come again, and waits no longer than it must.
    let fault = held.ask(Some("another"), Algorithm::ES256).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Unavailable);
    assert!(fault.retry_after.is_some());
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn a_provider_that_is_away_at_the_start_is_asked_until_it_is_there() {
    let first = Signer::p256("first");
    let provider = Provider::start(&[&first]).await;
    let settings = settings(&provider);
    let address = provider.stop().await;
    let held = held(settings);
    let fault = held.ask(Some("first"), Algorithm::ES256).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Unavailable, "not the client's fault: {fault}");
    assert!(fault.retry_after.is_some_and(|wait| wait <= LONG), "{fault:?}");
    let wrong = held.set.wrong().expect("something is wrong");
    assert!(wrong.contains("refused with 503") && !wrong.contains("/keys"), "{wrong}");
    let _provider = Provider::start_at(address, &[&first], false).await;
    until("the first fetch", async || held.has("first").await.is_ok()).await;
    assert_eq!(held.set.wrong(), None);
}

#[tokio::test]
async fn keys_outlive_their_provider_for_a_while_and_no_longer() {
    let first = Signer::p256("first");
    let provider = Provider::start(&[&first]).await;
    let (refresh, stale_after) = (Duration::from_millis(200), Duration::from_secs(3));
    let held = held(KeySetSettings { refresh, stale_after, ..settings(&provider) });
    held.has("first").await.unwrap();
    provider.say(Says::This { status: 500, headers: String::new(), body: Vec::new() });
    let asked = provider.asked();
    until("a failure", async || provider.asked() > asked && held.set.wrong().is_some()).await;
    held.has("first").await.unwrap();
    assert!(held.set.wrong().unwrap().contains("500"), "{:?}", held.set.wrong());
    // Nobody can say whether this one is published by now.
    assert_eq!(held.has("second").await, Err(Reason::Unavailable));
    until("the end of the keys", async || held.has("first").await == Err(Reason::Unavailable)).await;
    provider.publish(&[&first]);
    until("new keys", async || held.has("first").await.is_ok()).await;
}

#[tokio::test]
async fn a_slow_provider_is_waited_for_and_a_silent_one_not_for_long() {
    let (first, second) = (Signer::p256("first"), Signer::p256("second"));
    let provider = Provider::start(&[&first]).await;
    provider.take(Duration::from_secs(1));
    let held = held(settings(&provider));
    held.has("first").await.expect("a second is not long");
    provider.publish(&[&second]);
    provider.say(Says::Nothing);
    let began = Instant::now();
    assert_eq!(held.has("second").await, Err(Reason::Unavailable));
    assert!((4..7).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    held.has("first").await.expect("it is held");
}

#[tokio::test]
async fn what_is_no_key_set_is_not_taken() {
    let (first, other) = (Signer::p256("first"), Signer::p256("other"));
    let elsewhere = Provider::start(&[&other]).await;
    let huge = [vec![b' '; 300 * 1024], b"{\"keys\":[]}".to_vec()].concat();
    let cases = [
        ("redirect", 302, format!("Location: {}\r\n", elsewhere.url()), Vec::new(), "redirects are not followed"),
        ("huge", 200, String::new(), huge, "larger than 256 KiB"),
        ("garbage", 200, String::new(), b"<html>Sign in</html>".to_vec(), "not a JSON Web Key Set"),
        ("empty", 200, String::new(), b"{\"keys\":[]}".to_vec(), "no key that could be used"),
        ("missing", 404, String::new(), b"{}".to_vec(), "404"),
        ("unchanged", 304, String::new(), Vec::new(), "304"),
    ];
    for (case, status, headers, body, words) in cases {
        let provider = Provider::start(&[&first]).await;
        let held = held(settings(&provider));
        held.has("first").await.unwrap();
        provider.say(Says::This { status, headers, body });
        assert_eq!(held.has("other").await, Err(Reason::Unavailable), "{case}");
        let wrong = held.set.wrong().unwrap_or_default();
        assert!(wrong.contains(words), "{case}: {wrong}");
        held.has("first").await.unwrap_or_else(|reason| panic!("{case}: those before are gone: {reason:?}"));
    }
    assert_eq!(elsewhere.asked(), 0, "a redirect was followed");
}

#[tokio::test]
async fn the_provider_says_how_long_its_keys_are_good() {
    let (first, second) = (Signer::p256("first"), Signer::p256("second"));
    let provider = Provider::start(&[&first]).await;
    // No longer than the operator says, whatever the provider does.
    provider.say(keys(&[&first], "Cache-Control: max-age=86400\r\n"));
    let often = held(KeySetSettings { refresh: Duration::from_millis(200), ..settings(&provider) });
    often.has("first").await.unwrap();
    until("the next fetch", async || provider.asked() >= 3).await;
    // What it withdraws is gone with the next fetch, without anybody asking.
    provider.publish(&[&second]);
    until("the withdrawal", async || often.set.keys(Some("first"), Algorithm::ES256).await.is_err()).await;
    often.has("second").await.unwrap();
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let (first, second) = (Signer::p256("first"), Signer::p256("second").unnamed());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let put = |signer: &Signer| std::fs::write(&path, body(signer)).unwrap();
    put(&first);
    let held = held(KeySetSettings { source: Source::File(path.clone()), refresh: LONG, stale_after: LONG });
    held.has("first").await.unwrap();
    put(&second);
    until("the new file", async || held.ask(Some("any"), Algorithm::ES256).await == Ok(vec![None])).await;
    std::fs::write(&path, "{").unwrap();
    until("the broken file", async || held.set.wrong().is_some_and(|wrong| wrong.contains("not a JSON"))).await;
    assert_eq!(held.ask(None, Algorithm::ES256).await, Ok(vec![None]), "those before are used");
}

fn body(signer: &Signer) -> Vec<u8> {
    match keys(&[signer], "") {
        Says::This { body, .. } => body,
        Says::Nothing => panic!("keys are something"),
    }
}
