//! The keys of identity providers, fetched once. In: a config. Out: a line for each route that has some, and for one that
//! cannot be used what to change.

use crate::cli::Console;
use crate::config::Config;
use crate::keyset::{FetchError, fetch};

/// Fetches each; whether all can be used.
pub(super) async fn all(config: &Config, console: &mut Console) -> bool {
    let mut fine = true;
    for (route, set) in config.routes.iter().filter_map(|route| Some((&route.name, route.auth.key_set()?))) {
        match fetch(&set.source).await {
            Ok(found) => {
                let names: Vec<&str> =
                    found.keys.iter().map(|key| key.id.as_deref().unwrap_or("without a kid")).collect();
                console.talk(&format!(
                    "routes.{route}: {} has {} keys: {}\n",
                    set.source,
                    names.len(),
                    names.join(", ")
                ));
            }
            Err(error) => {
                fine = false;
                let help = advice(&error);
                console.talk(&format!("error: routes.{route}: {}: {error}\n  help: {help}\n", set.source));
            }
        }
    }
    fine
}

fn advice(error: &FetchError) -> &'static str {
    match error {
        FetchError::TooSlow | FetchError::Broken(_) => {
            "is the provider there, can it be reached from here, and is its certificate one that this machine trusts?"
        }
        FetchError::Status(_) => {
            "`jwks_url` must be the address of the keys itself: `jwks_uri` of the provider's discovery"
        }
        FetchError::TooLarge | FetchError::Keys(_) => "what is there is no key set, or one of other algorithms",
        FetchError::File(_) => "`jwks_file`: let the user that runs the gateway read it",
    }
}
