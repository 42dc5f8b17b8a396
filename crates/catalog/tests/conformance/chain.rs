//! Whatever is done to the log behind the catalog's back is found.

use backstay_catalog::{ChainBreak, ChainReport};
use backstay_model::event::ChainFault;

use crate::fixture::{Fixture, draft};
use crate::on_both;

on_both!(
    an_untouched_log_is_whole,
    an_altered_event_is_found,
    a_removed_event_is_found,
    an_inserted_event_is_found,
    exchanged_events_are_found,
    a_cut_off_end_is_found,
    events_behind_the_head_are_found,
    a_rewritten_end_is_found,
    an_unreadable_event_is_found,
    an_event_before_the_first_is_found,
    a_log_without_events_is_whole_until_its_head_says_otherwise,
);

async fn after(fixture: &Fixture, tampering: &str) -> ChainReport {
    fixture.record((1..=6).map(|n| draft("snapshot.created", n))).await;
    if !tampering.is_empty() {
        fixture.tamper(tampering).await;
    }
    fixture.catalog.read().await.unwrap().verify_chain().await.unwrap()
}

async fn an_untouched_log_is_whole(fixture: &Fixture) {
    let report = after(fixture, "").await;
    assert_eq!((report.events, report.head.0, report.is_whole()), (6, 6, true));
}

async fn an_altered_event_is_found(fixture: &Fixture) {
    let report = after(fixture, "UPDATE events SET actor_name = 'Eve' WHERE seq = 3").await;
    assert_eq!(report.breaks, [ChainBreak::Event { seq: 3, fault: ChainFault::Altered }]);
}

async fn a_removed_event_is_found(fixture: &Fixture) {
    let report = after(fixture, "DELETE FROM events WHERE seq = 3").await;
    assert_eq!(report.breaks, [ChainBreak::Event { seq: 4, fault: ChainFault::Missing { expected: 3 } }]);
}

async fn an_inserted_event_is_found(fixture: &Fixture) {
    let report = after(
        fixture,
        "UPDATE events SET seq = -seq WHERE seq > 3; UPDATE events SET seq = 1 - seq WHERE seq < 0;
         INSERT INTO events SELECT 4, at, tenant_id, actor_kind, actor_id, actor_name, action, kind, source_id, subject_type,
            subject_id, outcome, data, request_id, prev_hash, hash, facet FROM events WHERE seq = 3",
    )
    .await;
    assert_eq!(report.breaks[0], ChainBreak::Event { seq: 4, fault: ChainFault::Altered });
    assert!(report.breaks.contains(&ChainBreak::BeyondHead { last: 7, head: 6 }), "{report:?}");
}

async fn exchanged_events_are_found(fixture: &Fixture) {
    let report = after(
        fixture,
        "UPDATE events SET seq = 100 WHERE seq = 2; UPDATE events SET seq = 2 WHERE seq = 3;
         UPDATE events SET seq = 3 WHERE seq = 100",
    )
    .await;
    assert_eq!(report.breaks[0], ChainBreak::Event { seq: 2, fault: ChainFault::Altered });
}

async fn a_cut_off_end_is_found(fixture: &Fixture) {
    let report = after(fixture, "DELETE FROM events WHERE seq > 4").await;
    assert_eq!(report.breaks, [ChainBreak::Truncated { last: 4, head: 6 }]);
}

async fn events_behind_the_head_are_found(fixture: &Fixture) {
    let report = after(fixture, "UPDATE event_head SET seq = 5").await;
    assert_eq!(report.breaks, [ChainBreak::BeyondHead { last: 6, head: 5 }]);
}

async fn a_rewritten_end_is_found(fixture: &Fixture) {
    fixture.record((1..=6).map(|n| draft("snapshot.created", n))).await;
    // The last event is replaced by another one that follows the fifth correctly.
    let mut read = fixture.catalog.read().await.unwrap();
    let fifth = read.event(5).await.unwrap().unwrap();
    drop(read);
    let forged = backstay_model::Event::seal(draft("snapshot.created", 99), 6, fifth.hash);
    let hash = if fixture.is_postgres() {
        format!("decode('{}', 'hex')", forged.hash)
    } else {
        format!("x'{}'", forged.hash)
    };
    fixture
        .tamper(&format!(
            "UPDATE events SET at = {}, subject_id = '{}', data = '{}', hash = {hash} WHERE seq = 6",
            forged.at.as_micros(),
            forged.subject.id,
            forged.data.as_json()
        ))
        .await;
    let report = fixture.catalog.read().await.unwrap().verify_chain().await.unwrap();
    assert_eq!(report.breaks, [ChainBreak::HeadDiffers { seq: 6 }]);
}

async fn an_unreadable_event_is_found(fixture: &Fixture) {
    let report = after(fixture, "UPDATE events SET outcome = 'maybe' WHERE seq = 2").await;
    assert!(
        matches!(&report.breaks[0], ChainBreak::Unreadable { detail } if detail.contains("outcome")),
        "{report:?}"
    );
}

async fn a_log_without_events_is_whole_until_its_head_says_otherwise(fixture: &Fixture) {
    assert!(fixture.catalog.read().await.unwrap().verify_chain().await.unwrap().is_whole());
    let report = after(fixture, "DELETE FROM events").await;
    assert_eq!(report.breaks, [ChainBreak::Truncated { last: 0, head: 6 }]);
}

async fn an_event_before_the_first_is_found(fixture: &Fixture) {
    let report = after(fixture, "UPDATE events SET seq = 0 WHERE seq = 1").await;
    assert!(
        matches!(&report.breaks[0], ChainBreak::Unreadable { detail } if detail.contains("below 1")),
        "{report:?}"
    );
}
