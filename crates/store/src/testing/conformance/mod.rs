//! What every store has to keep, as one suite.

mod conditional;
mod listing;
mod reading;
mod writing;

use std::sync::Arc;

use crate::name::ObjectName;
use crate::store::Store;

/// A check: its name, and a function that panics when the store given to it, empty at first, does not keep a guarantee.
pub type Check = (&'static str, fn(&Arc<dyn Store>));

/// Every check of the suite.
pub const CHECKS: &[Check] = &[
    ("an object reads back", reading::an_object_reads_back),
    ("an absent object is not found", reading::an_absent_object_is_not_found),
    ("ranges are exact", reading::ranges_are_exact),
    ("an empty object exists", reading::an_empty_object_exists),
    ("a large object reads back", reading::a_large_object_reads_back),
    ("the time of an object does not go back", reading::the_time_of_an_object_does_not_go_back),
    ("a written object replaces the old one whole", writing::a_written_object_replaces_the_old_one_whole),
    ("a dropped writer leaves nothing", writing::a_dropped_writer_leaves_nothing),
    ("an unfinished object is invisible", writing::an_unfinished_object_is_invisible),
    ("two writers of one name do no harm", writing::two_writers_of_one_name_do_no_harm),
    ("a deleted object is gone", writing::a_deleted_object_is_gone),
    ("many objects are deleted at once", writing::many_objects_are_deleted_at_once),
    ("a writer goes on after everything was deleted", writing::a_writer_goes_on_after_everything_was_deleted),
    ("put_new keeps what is there", conditional::put_new_keeps_what_is_there),
    ("of racing put_new exactly one wins", conditional::of_racing_put_new_exactly_one_wins),
    ("a listing is complete", listing::a_listing_is_complete),
    ("a listing stops when told", listing::a_listing_stops_when_told),
    ("a prefix ends at a slash", listing::a_prefix_ends_at_a_slash),
    ("a hostile prefix is refused", listing::a_hostile_prefix_is_refused),
    ("the store may be used while it is listed", listing::the_store_may_be_used_while_it_is_listed),
];

/// Runs every check on a store of its own from `make_store`, which has to be empty.
///
/// Panics at the first check that fails; its name is printed before it runs.
pub fn run(make_store: impl Fn() -> Arc<dyn Store>) {
    for (what, check) in CHECKS {
        println!("conformance: {what}");
        check(&make_store());
    }
}

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).expect("the suite uses good names")
}

/// `length` bytes that differ from place to place and from `seed` to `seed`.
fn pattern(seed: u64, length: usize) -> Vec<u8> {
    use backstay_model::{Rng, SeededRng};
    let mut bytes = vec![0; length];
    SeededRng::new(seed).fill(&mut bytes);
    bytes
}

/// The names and sizes under a prefix, sorted.
fn listed(store: &dyn Store, prefix: &str) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    store
        .list(prefix, &mut |meta| {
            found.push((meta.name.to_string(), meta.size));
            true
        })
        .expect("listing works");
    found.sort();
    found
}
