//! The repository engine: chunks, packs, index, trees; write, read, verify, repair, collect, copy.
