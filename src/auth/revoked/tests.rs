//! What is revoked and what is not, and what becomes of it over restarts and replicas.

use std::time::Duration;

use futures_util::FutureExt;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::auth::Principal;
use crate::auth::jwt::since_epoch;
use crate::journal::EmbeddedJournal;

fn now() -> i64 {
    i64::try_from(since_epoch()).unwrap()
}

fn jti(id: &str) -> Wanted {
    Wanted { jti: Some(id.to_owned()), ..Wanted::default() }
}

fn sub(id: &str) -> Wanted {
    Wanted { sub: Some(id.to_owned()), ..Wanted::default() }
}

fn ann(issued: i64) -> Principal {
    Principal { issued: Some(issued), token: Some("token-1".into()), ..Principal::named("ann") }
}

struct Place {
    folder: TempDir,
    journal: Arc<dyn Journal>,
    revocations: Arc<Revocations>,
}

impl Place {
    async fn open() -> Self {
        Self::at(tempfile::tempdir().unwrap()).await
    }

    async fn at(folder: TempDir) -> Self {
        let journal: Arc<dyn Journal> = Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).unwrap());
        let revocations = Arc::new(Revocations::open(Arc::clone(&journal)).await.unwrap());
        Place { folder, journal, revocations }
    }

    async fn revoke(&self, wanted: Wanted) -> String {
        let revocation = wanted.checked(now()).unwrap();
        let id = revocation.id();
        self.revocations.revoke(revocation).await.unwrap();
        id
    }

    fn is_revoked(&self, route: &str, principal: &Principal, token: &str) -> bool {
        self.revocations.judge(route, principal, Some(token)).is_err()
    }
}

#[tokio::test]
async fn a_token_is_revoked_by_its_id_and_by_its_digest() {
    let place = Place::open().await;
    assert!(!place.is_revoked("staff", &ann(now()), "x.y.z"));
    let id = place.revoke(jti("token-1")).await;
    assert!(place.is_revoked("staff", &ann(now()), "x.y.z"));
    let other = Principal { token: Some("token-2".into()), ..ann(now()) };
    assert!(!place.is_revoked("staff", &other, "x.y.z"));
    assert!(!place.is_revoked("staff", &Principal::named("token-1"), "x.y.z"), "an id of a principal is no `jti`");
    assert!(place.revocations.restore(&id).await.unwrap());
    assert!(!place.is_revoked("staff", &ann(now()), "x.y.z"));
    assert!(!place.revocations.restore(&id).await.unwrap());
    place.revoke(Wanted { sha256: Some(digest("opaque").to_ascii_uppercase()), ..Wanted::default() }).await;
    assert!(place.is_revoked("staff", &ann(now()), "opaque"));
    assert!(!place.is_revoked("staff", &ann(now()), "opaque2"));
    assert!(place.revocations.judge("staff", &ann(now()), None).is_ok());
}

#[tokio::test]
async fn a_principal_is_revoked_up_to_a_time() {
    let place = Place::open().await;
    place.revoke(Wanted { before: Some(1_000), ..sub("ann") }).await;
    assert!(place.is_revoked("staff", &ann(999), ""));
    assert!(place.is_revoked("staff", &ann(1_000), ""));
    assert!(!place.is_revoked("staff", &ann(1_001), ""), "she came again");
    assert!(place.is_revoked("staff", &Principal::named("ann"), ""), "nobody knows when it was issued");
    assert!(!place.is_revoked("staff", &Principal::named("bob"), ""));
    // The same again is the same one, and later.
    place.revoke(sub("ann")).await;
    assert_eq!(place.revocations.all().len(), 1);
    assert!(place.is_revoked("staff", &ann(now()), ""));
}

#[tokio::test]
async fn a_route_s_revocation_is_of_that_route() {
    let place = Place::open().await;
    place.revoke(Wanted { route: Some("staff".to_owned()), ..jti("token-1") }).await;
    assert!(place.is_revoked("staff", &ann(now()), ""));
    assert!(!place.is_revoked("web", &ann(now()), ""));
    place.revoke(jti("token-1")).await;
    assert!(place.is_revoked("web", &ann(now()), ""));
    assert_eq!(place.revocations.all().len(), 2);
}

#[tokio::test]
async fn who_uses_it_hears_of_it_and_nobody_else() {
    let place = Place::open().await;
    let route: Arc<str> = "staff".into();
    let of = |principal: &Principal, token| Standing::of(&place.revocations, &route, principal, token);
    let (ann, bob) = (of(&ann(now()), Some("a token")), of(&Principal::named("bob"), Some("another")));
    assert!(ann.lost().now_or_never().is_none());
    let (lost, id) = tokio::join!(timeout(Duration::from_secs(5), ann.lost()), place.revoke(sub("ann")));
    lost.expect("told of it");
    assert!(ann.lost().now_or_never().is_some(), "it was lost before");
    assert!(bob.lost().now_or_never().is_none());
    assert!(Standing::default().lost().now_or_never().is_none());
    assert!(place.revocations.restore(&id).await.unwrap());
    assert!(ann.lost().now_or_never().is_none());
}

#[tokio::test]
async fn a_restart_remembers_and_keeps_no_token() {
    let place = Place::open().await;
    place.revoke(jti("token-1")).await;
    place.revoke(Wanted { sha256: Some(digest("a token that leaked")), ..Wanted::default() }).await;
    place.journal.close().await;
    let Place { folder, journal, revocations } = place;
    drop((journal, revocations));
    let kept = std::fs::read(folder.path().join("journal")).unwrap();
    assert!(!kept.windows(19).any(|part| part == b"a token that leaked"));
    let place = Place::at(folder).await;
    assert!(place.is_revoked("staff", &ann(now()), ""));
    assert!(place.is_revoked("staff", &Principal::named("bob"), "a token that leaked"));
}

#[tokio::test]
async fn those_that_are_over_leave() {
    let place = Place::open().await;
    let past = Revocation { until: Some(now() - 3_600), ..jti("token-1").checked(now()).unwrap() };
    place.revocations.revoke(past).await.unwrap();
    place.revoke(Wanted { until: Some(now() + 3_600), ..jti("token-2") }).await;
    let ended = Revocation { until: Some(now() - 30), ..jti("token-3").checked(now()).unwrap() };
    place.revocations.revoke(ended).await.unwrap();
    assert!(!place.is_revoked("staff", &ann(now()), ""), "it is over");
    let late = Principal { token: Some("token-3".into()), ..ann(now()) };
    assert!(place.is_revoked("staff", &late, ""), "a clock that is behind may take the token still");
    place.revocations.clean().await.unwrap();
    assert_eq!(place.revocations.all().len(), 2);
    let kept = place.journal.scan(Collection::Revoked, ENTRIES, None, 10).await.unwrap();
    assert_eq!(kept.len(), 2);
}

#[test]
fn a_wish_is_checked() {
    let both = Wanted { sub: Some("ann".to_owned()), ..jti("token-1") };
    let digest = |digest: &str| Wanted { sha256: Some(digest.to_owned()), ..Wanted::default() };
    for (wanted, words) in [
        (Wanted::default(), "one of"),
        (both, "one of"),
        (jti(""), "1 to 256"),
        (sub(&"x".repeat(257)), "1 to 256"),
        (digest("a token, not its digest"), "64 hex"),
        (Wanted { before: Some(1), ..jti("a") }, "`before`"),
        (Wanted { until: Some(now() - 1), ..jti("a") }, "over"),
    ] {
        let why = wanted.checked(now()).unwrap_err();
        assert!(why.contains(words), "{why}");
    }
}
