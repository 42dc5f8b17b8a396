//! Writing and deleting objects.

use std::sync::Arc;

use super::{listed, name, pattern};
use crate::store::Store;

pub(super) fn a_written_object_replaces_the_old_one_whole(store: &Arc<dyn Store>) {
    let name = name("index/a");
    for (seed, length) in [(1, 5_000), (2, 10), (3, 0), (4, 9_000)] {
        let bytes = pattern(seed, length);
        let mut writer = store.create().expect("create works");
        for part in bytes.chunks(777) {
            writer.write(part).expect("write works");
        }
        writer.finish(&name).expect("finish works");
        assert_eq!(store.get(&name).expect("get works"), bytes);
    }
    assert_eq!(listed(&**store, ""), [("index/a".to_owned(), 9_000)]);
}

pub(super) fn a_dropped_writer_leaves_nothing(store: &Arc<dyn Store>) {
    for length in [0, 10, 9 << 20] {
        let mut writer = store.create().expect("create works");
        writer.write(&pattern(1, length)).expect("write works");
        drop(writer);
    }
    assert_eq!(listed(&**store, ""), []);
    assert_eq!(store.clean_temporary().expect("cleaning works"), 0, "nothing is old enough to be cleaned");
}

pub(super) fn an_unfinished_object_is_invisible(store: &Arc<dyn Store>) {
    let target = name("packs/a");
    store.put(&target, b"old").expect("put works");
    let mut writer = store.create().expect("create works");
    writer.write(b"new").expect("write works");
    assert_eq!(listed(&**store, ""), [("packs/a".to_owned(), 3)]);
    assert_eq!(store.get(&target).expect("get works"), b"old"[..]);
    // Cleaning spares what a living writer is at.
    store.clean_temporary().expect("cleaning works");
    writer.finish(&target).expect("finish works");
    assert_eq!(store.get(&target).expect("get works"), b"new"[..]);
}

pub(super) fn two_writers_of_one_name_do_no_harm(store: &Arc<dyn Store>) {
    let name = name("packs/same");
    let bytes = pattern(5, 200_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    store.put(&name, &bytes).expect("put works");
                    assert!(store.get(&name).expect("get works") == bytes, "the object is whole at any time");
                }
            });
        }
    });
    assert_eq!(listed(&**store, ""), [("packs/same".to_owned(), 200_000)]);
}

pub(super) fn a_deleted_object_is_gone(store: &Arc<dyn Store>) {
    let (one, other) = (name("packs/a"), name("packs/b"));
    store.put(&one, b"1").expect("put works");
    store.put(&other, b"2").expect("put works");
    store.delete(&one).expect("delete works");
    store.delete(&one).expect("deleting twice works");
    assert_eq!(store.head(&one).expect("head works"), None);
    assert_eq!(listed(&**store, "packs"), [("packs/b".to_owned(), 1)]);
    store.put(&one, b"again").expect("put works");
    assert_eq!(store.get(&one).expect("get works"), b"again"[..]);
}

pub(super) fn many_objects_are_deleted_at_once(store: &Arc<dyn Store>) {
    let names: Vec<_> = (0..30).map(|n| name(&format!("{}/{n}", ["packs", "index"][n % 2]))).collect();
    for name in &names[5..] {
        store.put(name, b"x").expect("put works");
    }
    store.delete_many(&names[..29]).expect("delete_many works, also on what is absent");
    assert_eq!(listed(&**store, ""), [("index/29".to_owned(), 1)]);
    store.delete_many(&[]).expect("deleting nothing works");
}

pub(super) fn a_writer_goes_on_after_everything_was_deleted(store: &Arc<dyn Store>) {
    let (old, new) = (name("packs/a"), name("packs/b"));
    store.put(&old, b"1").expect("put works");
    let mut writer = store.create().expect("create works");
    writer.write(b"2").expect("write works");
    store.delete(&old).expect("delete works");
    writer.finish(&new).expect("finish works");
    assert_eq!(store.get(&new).expect("get works"), b"2"[..]);
}
