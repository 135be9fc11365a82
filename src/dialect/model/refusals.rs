//! Refusals of a dialect, by reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fault::Reason;

use super::super::frame::FrameSet;

/// What refusals look like.
#[derive(Debug, Default)]
pub struct Refusals {
    pub rules: BTreeMap<Reason, Refusal>,
    /// The error shape; `None` in a socket's or call's own list, which falls back to the dialect's.
    pub shape: Option<Arc<FrameSet>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    pub status: Option<u16>,
    pub text: Option<String>,
    pub code: Option<i64>,
    /// Socket: closes with this code.
    pub close: Option<u16>,
    /// Socket: an error frame, before the close if there is one.
    pub frame: Option<bool>,
}
