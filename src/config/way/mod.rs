//! The way of one frame over a route, without a running gateway: what the other side gets. In: a route of a config, who says
//! the frame, and what it says. Out: frames as the other side would get them and what was lost, or why it gets none. Tests of
//! a config and `dragoman explain` go this way; conversations have the names that the config gives them, other ids are those of
//! the frame or examples, and files are not fetched.

mod room;

use std::collections::BTreeMap;

use super::settings::{Config, Route, Target};
use crate::dialect::translation::{Side, show};
use crate::dialect::{Degradation, Dialect, OnLoss, Unwritable, family};
use crate::event::{Field, Fields};
use crate::fault::Reason;
use crate::naming::PinnedConversation;
use crate::upstream::UpstreamSettings;

/// Who says a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    Client,
    /// The upstream that the route leads to.
    Upstream,
}

/// What a config knows beside its routes.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub upstreams: &'a BTreeMap<String, UpstreamSettings>,
    pub conversations: &'a [PinnedConversation],
}

impl<'a> Known<'a> {
    pub fn of(config: &'a Config) -> Self {
        Known { upstreams: &config.upstreams, conversations: &config.conversations }
    }
}

/// Who speaks or hears.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    pub dialect: &'a Dialect,
    /// As whom: the gateway is an upstream's client.
    pub side: Side,
    /// Absent: clients.
    upstream: Option<&'a str>,
}

/// Both ends of a way.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    pub route: &'a Route,
    pub speaker: End<'a>,
    pub listener: End<'a>,
    conversations: &'a [PinnedConversation],
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
    /// It has no name for this conversation of the config.
    NoName(String),
}

impl<'a> Way<'a> {
    /// From or to the clients of a route. On a route to the hub others hear it: those of `heard_by`, else of the same route.
    /// `None`: there is no upstream that could say it.
    pub fn over(route: &'a Route, known: Known<'a>, from: SaidBy, heard_by: Option<&'a Route>) -> Option<Self> {
        let upstream = match &route.target {
            Target::Upstream(name) => Some(known.upstreams.get(name)?),
            Target::Hub => None,
        };
        let clients = |route: &'a Route, side| End { dialect: &route.dialect, side, upstream: None };
        let of_upstream = |upstream: &'a UpstreamSettings, side| {
            let (dialect, name) = (&*upstream.dialect, Some(&*upstream.name));
            End { dialect, side, upstream: name }
        };
        let (speaker, listener) = match (from, upstream) {
            (SaidBy::Client, Some(upstream)) => (clients(route, Side::Client), of_upstream(upstream, Side::Client)),
            (SaidBy::Client, None) => (clients(route, Side::Client), clients(heard_by.unwrap_or(route), Side::Server)),
            (SaidBy::Upstream, Some(upstream)) => (of_upstream(upstream, Side::Server), clients(route, Side::Server)),
            (SaidBy::Upstream, None) => return None,
        };
        let is_straight =
            upstream.is_some_and(|upstream| family(&upstream.dialect.name) == family(&route.dialect.name));
        Some(Way { route, speaker, listener, conversations: known.conversations, is_straight })
    }

    /// The conversation of the config that is meant, if it is one of them: the fields then say what the gateway calls it,
    /// and what it knows of it.
    pub fn room(&self, fields: &mut Fields<'_>) -> Option<&'a PinnedConversation> {
        if self.is_straight {
            return None;
        }
        let room = room::meant(self.conversations, &self.speaker, fields)?;
        room::describe(room, fields);
        Some(room)
    }

    /// What the other side gets of `said`, which says these fields in this conversation of the config, if it is one.
    pub fn hear(&self, fields: &Fields<'_>, room: Option<&PinnedConversation>, said: &str) -> Result<Heard, Unheard> {
        if self.is_straight {
            let form = "passed on as it is".to_owned();
            return Ok(Heard { frames: vec![said.to_owned()], form, lost: vec![], degraded: vec![], made_up: vec![] });
        }
        let End { dialect, side, .. } = self.listener;
        let mut theirs = fields.clone();
        if let Some(room) = room
            && !room::rename(room, &self.listener, &mut theirs)
        {
            return Err(Unheard::NoName(room.name.clone()));
        }
        let shown = show(dialect, side, &theirs).map_err(|why| match why {
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
        // What the gateway adds is not the speaker's to lose.
        let added: Vec<Field> = room.into_iter().flat_map(room::known).map(|(field, _)| field).collect();
        let lost = carried.lost.into_iter().filter(|field| fields.has(*field) && !added.contains(field));
        Ok(Heard {
            frames: carried.frames,
            form,
            lost: lost.collect(),
            degraded: carried.degraded,
            made_up: shown.made_up,
        })
    }

    /// Why the other side gets nothing, in words.
    pub fn words(&self, why: &Unheard) -> String {
        let (listener, speaker) = (&self.listener.dialect.name, &self.speaker.dialect.name);
        match why {
            Unheard::Refused(reason) => {
                format!(
                    "the sender is refused ({}): {listener} cannot carry it, and `on_loss` is `refuse`",
                    reason.as_str()
                )
            }
            Unheard::Needs(field) => format!("{listener} needs `{}`, which {speaker} does not say here", field.path()),
            Unheard::NoForm => format!("{listener} has no form for this"),
            Unheard::NoName(room) => {
                format!("`{room}` of [[conversations]] has no name in {listener}, so nobody there hears it")
            }
        }
    }
}
