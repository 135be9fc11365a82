//! The way of one frame over a route, without a running gateway: what the other side gets. In: a route of a config, who says
//! the frame, and what it says. Out: frames as the other side would get them and what was lost, or why it gets none. Tests of
//! a config and `dragoman explain` go this way; ids are examples here, and files are not fetched.

use std::collections::BTreeMap;

use super::settings::{Route, Target};
use crate::dialect::translation::{Side, show};
use crate::dialect::{Degradation, Dialect, OnLoss, Unwritable, family};
use crate::event::{Field, Fields};
use crate::fault::Reason;
use crate::upstream::UpstreamSettings;

/// Who says a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    Client,
    /// The upstream that the route leads to.
    Upstream,
}

/// Both ends of a way.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    pub route: &'a Route,
    pub speaker: (&'a Dialect, Side),
    pub listener: (&'a Dialect, Side),
    /// Whether both speak the same, so that it is passed on as it is.
    is_straight: bool,
}

/// What the other side gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    pub frames: Vec<String>,
    /// The frame of its dialect that says it, with its place: `socket.chat say`.
    pub form: String,
    pub lost: Vec<Field>,
    pub degraded: Vec<Degradation>,
    /// Facts that the gateway knows when it runs; here they are examples.
    pub made_up: Vec<Field>,
}

/// Why it gets nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Unheard {
    /// `on_loss = "refuse"`.
    Refused(Reason),
    /// It needs this to be said.
    Needs(Field),
    /// It has no words for such an event.
    NoForm,
}

impl<'a> Way<'a> {
    /// From or to the clients of a route. On a route to the hub others hear it: those of `heard_by`, else of the same route.
    /// `None`: there is no upstream that could say it.
    pub fn over(
        route: &'a Route,
        upstreams: &'a BTreeMap<String, UpstreamSettings>,
        from: SaidBy,
        heard_by: Option<&'a Route>,
    ) -> Option<Self> {
        let upstream = match &route.target {
            Target::Upstream(name) => Some(&*upstreams.get(name)?.dialect),
            Target::Hub => None,
        };
        let own = &*route.dialect;
        let (speaker, listener) = match (from, upstream) {
            (SaidBy::Client, Some(upstream)) => ((own, Side::Client), (upstream, Side::Client)),
            (SaidBy::Client, None) => ((own, Side::Client), (&*heard_by.unwrap_or(route).dialect, Side::Server)),
            (SaidBy::Upstream, Some(upstream)) => ((upstream, Side::Server), (own, Side::Server)),
            (SaidBy::Upstream, None) => return None,
        };
        let is_straight = upstream.is_some_and(|upstream| family(&upstream.name) == family(&own.name));
        Some(Way { route, speaker, listener, is_straight })
    }

    /// What the other side gets of `said`, which says these fields.
    pub fn hear(&self, fields: &Fields<'_>, said: &str) -> Result<Heard, Unheard> {
        if self.is_straight {
            let form = "passed on as it is".to_owned();
            return Ok(Heard { frames: vec![said.to_owned()], form, lost: vec![], degraded: vec![], made_up: vec![] });
        }
        let (dialect, side) = self.listener;
        let shown = show(dialect, side, fields).map_err(|why| match why {
            Unwritable::NoShape if self.route.on_loss == OnLoss::Refuse => Unheard::Refused(Reason::Lossy),
            Unwritable::NoShape => Unheard::NoForm,
            Unwritable::Needs(field) => Unheard::Needs(field),
        })?;
        let carried = shown.carried;
        if let Some(why) = carried.degraded.first().filter(|_| self.route.on_loss == OnLoss::Refuse) {
            return Err(Unheard::Refused(match why {
                Degradation::Kind | Degradation::Buttons => Reason::Lossy,
                Degradation::Type => Reason::UnsupportedType,
                Degradation::Size => Reason::TooLarge,
            }));
        }
        let (place, frame) = carried.by;
        let places = dialect.places(side);
        let form = format!("{} {}", dialect.place_name(places[place]), places[place].frames[frame].id);
        Ok(Heard {
            frames: carried.frames,
            form,
            lost: carried.lost,
            degraded: carried.degraded,
            made_up: shown.made_up,
        })
    }

    /// Why the other side gets nothing, in words.
    pub fn words(&self, why: &Unheard) -> String {
        let (listener, speaker) = (&self.listener.0.name, &self.speaker.0.name);
        match why {
            Unheard::Refused(reason) => {
                format!(
                    "the sender is refused ({}): {listener} cannot carry it, and `on_loss` is `refuse`",
                    reason.as_str()
                )
            }
            Unheard::Needs(field) => format!("{listener} needs `{}`, which {speaker} does not say here", field.path()),
            Unheard::NoForm => format!("{listener} has no form for this"),
        }
    }
}
