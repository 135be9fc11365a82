//! `images` of a route: only what passes through the gateway's own stores can be changed on its way.

use super::super::file::WrittenRoute;
use super::super::problem::{Code, Report};
use super::super::settings::Uploads;
use crate::images::ImageSettings;

pub(super) fn of(route: &WrittenRoute, uploads: Option<&Uploads>, report: &Report) -> Option<ImageSettings> {
    let images = route.images.as_ref()?;
    let problem = |message: &str, help: &str| {
        report.error(Code::Conflict, &images.place, message, Some(help.to_owned()));
    };
    match uploads {
        None => problem("no files can be uploaded here", "name a store in `uploads`, or take `images` out"),
        Some(Uploads::Through) => {
            problem(
                "uploads pass through to the upstream as they come",
                "take `images` out: that is the upstream's part",
            );
        }
        Some(Uploads::Placed(rules)) if rules.name_upstream() => {
            problem("files that go straight to the upstream go as they come", "name only stores in `uploads`");
        }
        Some(Uploads::Placed(_)) => {}
    }
    Some(images.value)
}
