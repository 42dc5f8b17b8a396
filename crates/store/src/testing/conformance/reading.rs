//! Reading objects.

use std::sync::Arc;

use super::{name, pattern};
use crate::error::StoreErrorKind;
use crate::store::Store;

pub(super) fn an_object_reads_back(store: &Arc<dyn Store>) {
    for (text, length) in [("config", 1), ("keys/0a", 300), ("packs/0a-b/c/d", 70_000)] {
        let (name, bytes) = (name(text), pattern(1, length));
        store.put(&name, &bytes).expect("put works");
        assert_eq!(store.get(&name).expect("get works"), bytes);
        let meta = store.head(&name).expect("head works").expect("the object is there");
        assert_eq!((meta.name, meta.size), (name, length as u64));
    }
}

pub(super) fn an_absent_object_is_not_found(store: &Arc<dyn Store>) {
    store.put(&name("packs/a"), b"x").expect("put works");
    for absent in ["absent", "packs/b", "absent/a/b/c"].map(name) {
        let kinds = [store.get(&absent), store.get_range(&absent, 0..1), store.get_range(&absent, 0..0)]
            .map(|outcome| outcome.expect_err("there is no such object").kind);
        assert_eq!(kinds, [StoreErrorKind::NotFound; 3], "{absent}");
        assert_eq!(store.head(&absent).expect("head works"), None, "{absent}");
        store.delete(&absent).expect("deleting what is absent succeeds");
    }
    assert!(store.head(&name("packs/a")).expect("head works").is_some());
}

pub(super) fn ranges_are_exact(store: &Arc<dyn Store>) {
    let (name, bytes) = (name("packs/a"), pattern(2, 10_000));
    store.put(&name, &bytes).expect("put works");
    for range in [0..0, 0..1, 0..10_000, 4_095..4_097, 9_999..10_000, 10_000..10_000, 5_000..5_000] {
        let read = store.get_range(&name, range.clone()).expect("the range is inside");
        assert_eq!(read, bytes[range.start as usize..range.end as usize], "{range:?}");
    }
    for range in [0..10_001, 9_999..10_001, 10_000..10_001, 10_001..10_001, 20_000..30_000, 0..u64::MAX / 4] {
        let error = store.get_range(&name, range.clone()).expect_err("the range is outside");
        assert_eq!(error.kind, StoreErrorKind::OutOfRange, "{range:?}");
    }
}

pub(super) fn an_empty_object_exists(store: &Arc<dyn Store>) {
    for (index, text) in ["garbage/a", "garbage/b", "garbage/c"].into_iter().enumerate() {
        let name = name(text);
        match index {
            0 => store.put(&name, b"").expect("put works"),
            1 => drop(store.put_new(&name, b"").expect("put_new works")),
            _ => store.create().expect("create works").finish(&name).expect("finish works"),
        }
        assert_eq!(store.get(&name).expect("get works"), b""[..]);
        assert_eq!(store.get_range(&name, 0..0).expect("get_range works"), b""[..]);
        assert_eq!(store.head(&name).expect("head works").map(|meta| meta.size), Some(0));
    }
    assert_eq!(super::listed(&**store, "garbage").len(), 3);
}

pub(super) fn a_large_object_reads_back(store: &Arc<dyn Store>) {
    const PART: usize = 3 << 20;
    let name = name("packs/large");
    let mut writer = store.create().expect("create works");
    for part in 0..6 {
        writer.write(&pattern(part, PART)).expect("write works");
    }
    writer.finish(&name).expect("finish works");
    assert_eq!(store.head(&name).expect("head works").map(|meta| meta.size), Some(6 * PART as u64));
    let whole = store.get(&name).expect("get works");
    for part in 0..6 {
        let start = part * PART;
        assert!(whole[start..start + PART] == pattern(part as u64, PART), "part {part} differs");
        let middle =
            store.get_range(&name, (start + 1000) as u64..(start + 5000) as u64).expect("get_range works");
        assert!(middle == pattern(part as u64, PART)[1000..5000], "the range in part {part} differs");
    }
}

pub(super) fn the_time_of_an_object_does_not_go_back(store: &Arc<dyn Store>) {
    let modified =
        |text: &str| store.head(&name(text)).expect("head works").expect("the object is there").modified;
    store.put(&name("probe/a"), b"1").expect("put works");
    store.put(&name("probe/b"), b"2").expect("put works");
    assert!(modified("probe/a") <= modified("probe/b"));
    let before = modified("probe/a");
    store.put(&name("probe/a"), b"3").expect("put works");
    assert!(modified("probe/a") >= before);
    store
        .list("probe", &mut |meta| {
            let difference = meta.modified.seconds_since(modified(meta.name.as_str()));
            assert!(difference.abs() <= 1.0, "listing and head agree to the second");
            true
        })
        .expect("listing works");
}
