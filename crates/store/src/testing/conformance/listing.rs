//! Listing objects.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{listed, name};
use crate::error::StoreErrorKind;
use crate::store::Store;

/// More than two pages of S3.
const MANY: usize = 2_100;

pub(super) fn a_listing_is_complete(store: &Arc<dyn Store>) {
    let names: BTreeSet<String> = (0..MANY).map(|n| format!("packs/{:08x}", n * 7919)).collect();
    let all: Vec<&String> = names.iter().collect();
    std::thread::scope(|scope| {
        for part in all.chunks(MANY.div_ceil(8)) {
            scope.spawn(move || {
                for text in part {
                    store.put(&name(text), text.as_bytes()).expect("put works");
                }
            });
        }
    });
    store.put(&name("index/a"), b"x").expect("put works");
    let found = listed(&**store, "packs");
    assert_eq!(found.len(), MANY, "nothing is missing and nothing comes twice");
    assert_eq!(found.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>(), names);
    assert_eq!(listed(&**store, "").len(), MANY + 1);
    store.delete_many(&names.iter().map(|text| name(text)).collect::<Vec<_>>()).expect("delete_many works");
    assert_eq!(listed(&**store, "packs"), []);
}

pub(super) fn a_listing_stops_when_told(store: &Arc<dyn Store>) {
    for n in 0..20 {
        store.put(&name(&format!("packs/{n}")), b"x").expect("put works");
    }
    let mut seen = 0;
    store
        .list("packs", &mut |_| {
            seen += 1;
            seen < 5
        })
        .expect("listing works");
    assert_eq!(seen, 5);
}

pub(super) fn a_prefix_ends_at_a_slash(store: &Arc<dyn Store>) {
    for text in ["packs", "packs-old/b", "packsold/c", "keys/a/b/c", "keys/d"] {
        store.put(&name(text), text.as_bytes()).expect("put works");
    }
    assert_eq!(listed(&**store, "packs"), [], "an object is not under its own name");
    assert_eq!(listed(&**store, "packs-old"), [("packs-old/b".to_owned(), 11)]);
    assert_eq!(listed(&**store, "keys"), [("keys/a/b/c".to_owned(), 10), ("keys/d".to_owned(), 6)]);
    assert_eq!(listed(&**store, "keys/a"), [("keys/a/b/c".to_owned(), 10)]);
    assert_eq!(listed(&**store, "absent"), []);
    assert_eq!(listed(&**store, "").len(), 5);
}

pub(super) fn a_hostile_prefix_is_refused(store: &Arc<dyn Store>) {
    for prefix in ["..", "/", "/etc", "packs/", "packs/..", "a//b", ".tmp", "A"] {
        let error = store.list(prefix, &mut |_| true).expect_err("the prefix is refused");
        assert_eq!(error.kind, StoreErrorKind::Misconfigured, "{prefix}");
    }
}

pub(super) fn the_store_may_be_used_while_it_is_listed(store: &Arc<dyn Store>) {
    for n in 0..5 {
        store.put(&name(&format!("packs/{n}")), b"x").expect("put works");
    }
    store
        .list("packs", &mut |meta| {
            assert_eq!(store.get(&meta.name).expect("get works"), b"x"[..]);
            store.put(&name("index/new"), b"y").expect("put works");
            store.delete(&meta.name).expect("delete works");
            true
        })
        .expect("listing works");
    assert_eq!(listed(&**store, ""), [("index/new".to_owned(), 1)]);
}
