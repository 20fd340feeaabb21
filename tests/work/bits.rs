//! Single wrong bits, anywhere.
