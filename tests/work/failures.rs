//! Work that fails on its way: what was seen before is kept, what was taken is given back.
