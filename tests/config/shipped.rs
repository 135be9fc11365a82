//! The default that ships, and the contract of the design: both are read to the last key.

use std::path::Path;

use dragoman::auth::Auth;
use dragoman::config::{self, Code, Inputs, Loaded, Problems};
use dragoman::dialect::builtin::BUILTIN;
use dragoman::naming::PinnedName;

fn default(environment: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let inputs = Inputs { environment, ..Inputs::default() };
    config::check("routes.toml", config::DEFAULT_TEXT, Path::new(""), &inputs, BUILTIN)
}

#[test]
fn the_default_runs_with_nothing_set() {
    let loaded = default(&[]).unwrap();
    let codes: Vec<Code> = loaded.warnings.list.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::WellKnownSecret]);
    let config = loaded.config;
    assert!(config.server.listen.ip().is_loopback());
    assert!(config.server.admin.is_some_and(|admin| admin.ip().is_loopback()));
    let mut served: Vec<&str> = config.routes.iter().map(|route| &*route.dialect.name).collect();
    let mut builtin: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
    served.sort_unstable();
    builtin.sort_unstable();
    assert_eq!(served, builtin, "a built-in dialect is not served by the default");
    for route in &config.routes {
        assert_eq!((route.host.as_deref(), route.prefix.as_str()), (None, ""), "{}", route.name);
        assert!(route.uploads.is_some(), "{}", route.name);
        assert!(!matches!(route.auth, Auth::None { .. }), "{} lets everybody in", route.name);
    }
    let pinned = &config.conversations[0];
    assert_eq!(pinned.named_in("luxmart"), Some(&PinnedName::Id("7".to_owned())));
    assert!(matches!(pinned.named_in("licomed"), Some(PinnedName::Pair(_))));
    assert!(matches!(pinned.named_in("andromedia"), Some(PinnedName::Keys(keys)) if keys.len() == 2));
}

#[test]
fn the_default_is_refused_in_public_until_its_secrets_are_set() {
    let public = ("DRAGOMAN_SERVER__LISTEN", "0.0.0.0:8080");
    let problems = default(&[public]).unwrap_err();
    assert!(problems.list.iter().all(|problem| problem.code == Code::WellKnownSecret), "{problems}");
    let set = [
        public,
        ("DRAGOMAN_JWT_SECRET", "an own secret that is long enough"),
        ("DRAGOMAN_API_KEY", "an own key that is long enough"),
        ("DRAGOMAN_ACCESS_TOKEN", "an own token that is long enough"),
    ];
    let loaded = default(&set).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

#[test]
fn what_the_default_has_as_comments_can_be_used() {
    let text = config::DEFAULT_TEXT;
    let block = |first: &str| -> String {
        let start = text.find(first).unwrap();
        let length = text[start..].find("\n\n").unwrap();
        text[start..start + length].lines().map(|line| format!("{}\n", line.trim_start_matches(['#', ' ']))).collect()
    };
    let block = block("# [stores.bucket]") + &block("# [upstreams.clinic]") + &block("# [deliveries.guests]");
    let environment = [
        ("S3_KEY", "invented"),
        ("S3_SECRET", "invented"),
        ("CLINIC_SECRET", "0123456789abcdef0123456789abcdef"),
        ("MARKET_KEY", "invented"),
        ("MARKET_EVENTS_KEY", "invented"),
        ("WHATSAPP_TOKEN", "invented"),
    ];
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let inputs = Inputs { environment, ..Inputs::default() };
    let text = format!("{text}\n{block}");
    let loaded = config::check("routes.toml", &text, Path::new(""), &inputs, BUILTIN).unwrap();
    let codes: Vec<Code> = loaded.warnings.list.iter().map(|problem| problem.code).collect();
    // No route keeps files in the bucket, and none leads to the market.
    assert_eq!(codes, [Code::WellKnownSecret, Code::Unused, Code::Unused]);
    let config = loaded.config;
    assert_eq!((config.upstreams.len(), config.stores.len(), config.deliveries.len()), (2, 2, 1));
}

#[test]
fn the_example_of_deliveries_can_be_used() {
    let page = include_str!("../../docs/deliveries.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let environment = [("STAFF_SECRET", "0123456789abcdef0123456789abcdef"), ("WHATSAPP_TOKEN", "invented")];
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let inputs = Inputs { environment, ..Inputs::default() };
    let loaded = config::check("routes.toml", text, Path::new(""), &inputs, BUILTIN);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let plan = &loaded.config.deliveries["guests"];
    assert_eq!((&*plan.settings.sender, &*plan.by.dialect.name), ("106540352242922", "whatsapp_cloud"));
}
