//! The accounts of one upstream. In: callers. Out: the account that each is there; those that nobody needs any more are
//! let go of, and with them the credentials they hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::Caller;

use super::account::{Account, Known};

/// How often accounts are looked through for those that can go.
const SWEPT: Duration = Duration::from_secs(30);

/// All accounts that are in use.
pub struct Accounts(Mutex<State>);

struct State {
    by_key: HashMap<Arc<str>, Arc<Account>>,
    swept: Instant,
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts(Mutex::new(State { by_key: HashMap::new(), swept: Instant::now() }))
    }
}

impl Accounts {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole before anything could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account of this key; `known` is what is known of a new one.
    pub fn of(&self, key: &str, shared: bool, caller: &Caller, known: impl FnOnce() -> Known) -> Arc<Account> {
        let mut state = self.state();
        // Whoever calls may be a stranger with a new credential each time: what is kept is bounded by time.
        if state.swept.elapsed() >= SWEPT {
            state.swept = Instant::now();
            state.by_key.retain(|_, account| !account.is_forgotten());
        }
        if let Some(account) = state.by_key.get(key) {
            account.renew(caller);
            return Arc::clone(account);
        }
        let account = Arc::new(Account::new(key.into(), shared, caller.clone(), known()));
        state.by_key.insert(key.into(), Arc::clone(&account));
        account
    }

    /// Whether an id is known to be somebody else's. One party may have several accounts: one for each credential.
    pub fn is_another(&self, account: &Account, id: &str) -> bool {
        let own = account.caller().principal.id;
        let state = self.state();
        state.by_key.values().any(|other| {
            let party = other.caller().principal.id;
            (other.known().id.as_deref() == Some(id) || *party == *id) && party != own
        })
    }

    pub fn all(&self) -> Vec<Arc<Account>> {
        self.state().by_key.values().map(Arc::clone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Principal;

    fn caller(id: &str) -> Caller {
        Caller { principal: Principal::named(id), ..Caller::nobody() }
    }

    fn known(id: &str) -> Known {
        Known { id: Some(id.to_owned()), name: None }
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_of_callers_that_went_are_let_go_of() {
        let accounts = Accounts::default();
        for number in 0..100 {
            accounts.of(&format!("stranger-{number}"), false, &caller("x"), Known::default);
        }
        assert_eq!(accounts.all().len(), 100);
        tokio::time::advance(Duration::from_secs(600)).await;
        let kept = accounts.of("one", false, &caller("one"), Known::default);
        assert_eq!(accounts.all().len(), 1);
        assert!(Arc::ptr_eq(&kept, &accounts.of("one", false, &caller("one"), Known::default)));
    }

    #[test]
    fn an_id_is_anothers_only_if_it_is_another_partys() {
        let accounts = Accounts::default();
        let phone = accounts.of("gil/phone", false, &caller("gil"), Known::default);
        accounts.of("gil/desk", false, &caller("gil"), || known("7"));
        assert!(!accounts.is_another(&phone, "7"), "the same party with another credential");
        accounts.of("noa", false, &caller("noa"), || known("8"));
        assert!(accounts.is_another(&phone, "8") && !accounts.is_another(&phone, "9"));
    }
}
