//! Names in the file.

/// Our own group.
pub(super) const OWN: &str = "backstay";
/// The dataset in it with the checksums of everything else.
pub(super) const CHECKSUMS: &str = "checksums";
/// The version of our own group.
pub(super) const OWN_VERSION: i64 = 1;
