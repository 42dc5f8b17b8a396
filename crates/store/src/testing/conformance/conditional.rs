//! Writing an object only when there is none.

use std::sync::{Arc, Barrier};

use super::name;
use crate::store::{PutOutcome, Store};

pub(super) fn put_new_keeps_what_is_there(store: &Arc<dyn Store>) {
    let name = name("config");
    assert_eq!(store.put_new(&name, b"first").expect("put_new works"), PutOutcome::Created);
    assert_eq!(store.put_new(&name, b"other").expect("put_new works"), PutOutcome::Exists);
    assert_eq!(store.put_new(&name, b"first").expect("put_new works"), PutOutcome::Exists);
    assert_eq!(store.get(&name).expect("get works"), b"first"[..]);
    store.delete(&name).expect("delete works");
    assert_eq!(store.put_new(&name, b"third").expect("put_new works"), PutOutcome::Created);
    assert_eq!(store.get(&name).expect("get works"), b"third"[..]);
}

pub(super) fn of_racing_put_new_exactly_one_wins(store: &Arc<dyn Store>) {
    const RACERS: usize = 8;
    for round in 0..10 {
        let name = name(&format!("locks/{round}"));
        let start = Barrier::new(RACERS);
        let winners: Vec<String> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..RACERS)
                .map(|racer| {
                    let (name, start) = (&name, &start);
                    scope.spawn(move || {
                        let text = format!("racer {racer}");
                        start.wait();
                        let outcome = store.put_new(name, text.as_bytes()).expect("put_new works");
                        assert!(
                            store.head(name).expect("head works").is_some(),
                            "visible to winner and loser"
                        );
                        (outcome == PutOutcome::Created).then_some(text)
                    })
                })
                .collect();
            racers.into_iter().filter_map(|racer| racer.join().expect("no racer panics")).collect()
        });
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        assert_eq!(store.get(&name).expect("get works"), winners[0].as_bytes());
    }
}
