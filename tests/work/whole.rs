//! The whole program: what it plans, what it records, and how it ends.
