//! Secrets that are printed in our own documentation: a word of warning while only this machine can connect, an error
//! once others can.

use super::super::file::File;
use super::super::node::Place;
use super::super::problem::{Code, Report};

pub(super) fn judge(file: &File, public: bool, report: &Report) {
    let routes = file.routes.iter().filter_map(|route| route.auth.as_ref()).flat_map(|auth| &auth.well_known);
    let upstreams = file.upstreams.iter().flat_map(|upstream| &upstream.well_known);
    let places: Vec<&Place> = routes.chain(upstreams).collect();
    if !public {
        return warn(&places, report);
    }
    for place in places {
        let message = "this secret is printed in the documentation: whoever reads it can be anybody here";
        let help = Some("make one with `openssl rand -base64 48` and give it by the environment".to_owned());
        report.error(Code::WellKnownSecret, place, message, help);
    }
}

/// On this machine alone, one word about all of them is enough.
fn warn(places: &[&Place], report: &Report) {
    let [first, others @ ..] = places else { return };
    let more = match others.len() {
        0 => String::new(),
        more => format!("; so are {more} more"),
    };
    let message = format!("this secret is printed in the documentation{more}");
    let help = "good for trying things here; set your own before others can connect: the gateway insists then";
    report.warning(Code::WellKnownSecret, first, message, Some(help.to_owned()));
}
