//! The hub over the embedded journal and the memory relay.
