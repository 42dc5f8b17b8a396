//! The contract that a kind of source fulfils.
