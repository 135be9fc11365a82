//! Deliveries: dialects looked up, and what is said compared with what the dialect can say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::file::WrittenDelivery;
use super::super::problem::{Code, Report};
use super::super::settings::{DeliveryPlan, StoreSettings};
use super::dialects::{Dialects, Wanted};
use crate::delivery::DeliverySettings;
use crate::dialect::{Dialect, FrameSet, Op, Request};
use crate::event::Field;
use crate::upstream::{CredentialRule, UpstreamSettings};

pub(super) fn resolve(
    written: Vec<WrittenDelivery>,
    stores: &BTreeMap<String, StoreSettings>,
    dialects: &mut Dialects<'_>,
    report: &Report,
) -> BTreeMap<String, DeliveryPlan> {
    let mut plans = BTreeMap::new();
    for delivery in written {
        let name = delivery.name.value.clone();
        if let Some(plan) = one(delivery, stores, dialects, report) {
            plans.insert(name, plan);
        }
    }
    plans
}

fn one(
    written: WrittenDelivery,
    stores: &BTreeMap<String, StoreSettings>,
    dialects: &mut Dialects<'_>,
    report: &Report,
) -> Option<DeliveryPlan> {
    let wanted = Wanted {
        dialect: &written.dialect,
        variant: written.variant.as_ref(),
        options: &written.options,
        largest_file: None,
        prefix: "",
        is_outward: true,
    };
    let dialect = dialects.find(&wanted)?;
    let problem = |message: String, help: &str| {
        report.error(Code::Conflict, &written.dialect.place, message, Some(help.to_owned()));
    };
    if sends(&dialect).next().is_none() {
        let message = format!("nothing can be delivered in {}: it has no call that sends", dialect.name);
        problem(message, "`dragoman dialects list` says which are for deliveries");
    }
    let by_link =
        sends(&dialect).any(|set| (0..set.frames.len()).any(|at| set.told(at).contains(&Field::AttachmentUrl)));
    let is_public = |store: &StoreSettings| store.public_url().is_some_and(|url| url.starts_with("https://"));
    if let Some((name, _)) = stores.iter().find(|(_, store)| by_link && !is_public(store)) {
        let message = format!("{} tells links to files, and those of the store `{name}` are not public", dialect.name);
        problem(message, "give each store a `public_url` with `https://`, or take the variant that uploads files");
    }
    let name: Arc<str> = written.name.value.into();
    Some(DeliveryPlan {
        by: UpstreamSettings {
            name: format!("delivery/{name}").into(),
            dialect,
            http: vec![written.base_url.value],
            socket: Vec::new(),
            hosts: BTreeMap::new(),
            credentials: [(String::new(), CredentialRule::Fixed(written.token))].into(),
            role: None,
            timeout: written.timeout,
            confirm_within: written.timeout,
            stalled_after: written.timeout,
            health: None,
            callback: None,
            fetch: Vec::new(),
        },
        settings: DeliverySettings {
            name,
            sender: written.sender,
            kinds: written.kinds,
            give_up_after: written.give_up_after,
        },
    })
}

/// The bodies of the calls that send.
fn sends(dialect: &Dialect) -> impl Iterator<Item = &FrameSet> {
    dialect.calls.iter().filter(|call| call.op == Op::Send && call.written).filter_map(|call| match &call.request {
        Request::Json(set) => Some(&**set),
        Request::Empty | Request::Multipart { .. } => None,
    })
}
