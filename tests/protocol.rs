//! The child protocol and the facts, held against what chance comes up with.

mod facts;
mod trail;
