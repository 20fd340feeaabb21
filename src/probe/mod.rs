//! One file a source of facts.
