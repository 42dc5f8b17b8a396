use std::path::Path;
use std::sync::Arc;

use backstay_model::{Caller, ErrorKind, SnapshotState};
use backstay_process::Supervisor;
use backstay_service::view::{NewSnapshot, RestoreRequest, Snapshot, SnapshotFilter};
use backstay_service::{Notice, PageRequest, Result, Run, Service, Settings};

use crate::fixture::{Database, Fixture, root_caller, settings};

/// The program `examples/supervise.rs`, which is built with the tests.
fn supervisor() -> Arc<Supervisor> {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/supervise");
    Arc::new(Supervisor::new(program, [""; 0]))
}

/// A workspace whose user keeps trust in `trust`.
async fn fixture(trust: &Path, allow_commands: bool) -> Fixture {
    let settings = Settings {
        supervisor: Some(supervisor()),
        allow_commands,
        trust_directory: Some(trust.to_owned()),
        ..settings()
    };
    Fixture::with(Database::sqlite(), settings).await
}

/// The only one who may trust.
fn anna() -> Caller {
    Service::local_caller("anna")
}

async fn save(fixture: &Fixture) -> (Result<Snapshot>, Vec<Notice>) {
    let run = Run::default();
    let new = NewSnapshot::default();
    let saved = fixture.service.create_snapshot(&root_caller(), fixture.source_id(), new, &run).await;
    (saved, run.notices.take())
}

async fn restore(fixture: &Fixture, snapshot: &Snapshot) -> (Result<()>, Vec<Notice>) {
    let run = Run::default();
    let caller = root_caller();
    let plan = fixture.service.plan_restore(&caller, &snapshot.id, RestoreRequest::default()).await.unwrap();
    let restored = fixture.service.restore_snapshot(&caller, &plan.id, &run).await;
    (restored.map(drop), run.notices.take())
}

fn codes(notices: &[Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.code.as_ref()).collect()
}

#[tokio::test]
async fn nothing_runs_before_its_very_text_is_trusted() {
    let trust = tempfile::tempdir().unwrap();
    let fixture = fixture(trust.path(), true).await;
    fixture.write("backstay.yaml", "hooks:\n  before_save: touch ran\n");
    let (saved, notices) = save(&fixture).await;
    saved.unwrap();
    assert_eq!(codes(&notices), ["hooks_not_trusted"]);
    assert_eq!(fixture.read("ran"), None);

    let trusted = fixture.service.trust_hooks(&anna(), fixture.source_id()).await.unwrap();
    assert_eq!((trusted.hooks[0].hook.as_str(), trusted.hooks[0].run.as_str()), ("before_save", "touch ran"));
    let (_, notices) = save(&fixture).await;
    assert_eq!(codes(&notices), [""; 0]);
    assert!(fixture.read("ran").is_some());

    // One more space, and back again.
    std::fs::remove_file(fixture.root.join("ran")).unwrap();
    fixture.write("backstay.yaml", "hooks:\n  before_save:  touch ran\n");
    assert_eq!(codes(&save(&fixture).await.1), ["hooks_not_trusted"]);
    assert_eq!(fixture.read("ran"), None);
    assert!(!fixture.service.show_hooks(&anna(), fixture.source_id()).await.unwrap().trusted);
    fixture.write("backstay.yaml", "hooks:\n  before_save: touch ran\n");
    assert!(fixture.service.show_hooks(&anna(), fixture.source_id()).await.unwrap().trusted);

    assert!(fixture.service.revoke_hooks(&anna(), fixture.source_id()).await.unwrap());
    assert_eq!(codes(&save(&fixture).await.1), ["hooks_not_trusted"]);
    assert_eq!(fixture.read("ran"), None);
    // What declares nothing needs no trust, and what cannot be read stops nobody from saving.
    fixture.write("backstay.yaml", "hooks: {}\n");
    assert_eq!(codes(&save(&fixture).await.1), [""; 0]);
    fixture.write("backstay.yaml", "{ not yaml");
    let (saved, notices) = save(&fixture).await;
    saved.unwrap();
    assert_eq!(codes(&notices), ["hooks_not_trusted"]);
    let events = fixture.actions().await;
    for action in ["hooks.trusted", "hook.ran", "hooks.revoked"] {
        assert_eq!(events.iter().filter(|event| *event == action).count(), 1, "{action}");
    }
    fixture.assert_audit().await;
}

#[tokio::test]
async fn hooks_run_around_saves_restores_and_undos() {
    let trust = tempfile::tempdir().unwrap();
    let fixture = fixture(trust.path(), true).await;
    let log = trust.path().join("log");
    let line = |hook: &str| format!("  {hook}: echo $BACKSTAY_HOOK $(cat a) >> {}\n", log.display());
    let hooks = ["before_save", "before_restore", "after_restore", "after_rollback"].map(line).concat();
    let told = format!("  after_save: echo $BACKSTAY_SNAPSHOT > {}.id\n", log.display());
    fixture.write("backstay.yaml", &format!("hooks:\n{hooks}{told}"));
    fixture.write("a", "1");
    fixture.service.trust_hooks(&anna(), fixture.source_id()).await.unwrap();
    let (saved, notices) = save(&fixture).await;
    let saved = saved.unwrap();
    assert_eq!(codes(&notices), [""; 0]);
    assert_eq!(std::fs::read_to_string(log.with_extension("id")).unwrap().trim(), saved.id.as_str());

    fixture.write("a", "2");
    let (restored, notices) = restore(&fixture, &saved).await;
    restored.unwrap();
    assert_eq!(codes(&notices), [""; 0]);
    let last = fixture.service.last_undoable(&root_caller(), fixture.source_id()).await.unwrap().unwrap();
    fixture.service.undo_operation(&root_caller(), &last.id, false, &Run::default()).await.unwrap();
    let lines = "before_save 1\nbefore_restore 2\nafter_restore 1\nbefore_restore 1\nafter_restore 2\n";
    assert_eq!(std::fs::read_to_string(&log).unwrap(), lines);
    fixture.assert_audit().await;
}

#[tokio::test]
async fn a_hook_before_refuses_and_a_hook_after_only_warns() {
    let trust = tempfile::tempdir().unwrap();
    let fixture = fixture(trust.path(), true).await;
    let trusted = async |text: &str| {
        fixture.write("backstay.yaml", text);
        fixture.service.trust_hooks(&anna(), fixture.source_id()).await.unwrap();
    };
    trusted("hooks:\n  before_save: echo the database is away >&2; exit 7\n").await;
    let (saved, _) = save(&fixture).await;
    let error = saved.unwrap_err();
    assert_eq!((error.kind, error.word()), (ErrorKind::Conflict, "hook_failed"));
    assert!(error.message.contains("before_save failed with exit code 7"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("it said: the database is away"));
    let all = SnapshotFilter { states: SnapshotState::ALL.to_vec(), ..SnapshotFilter::default() };
    let listed = fixture.service.list_snapshots(&root_caller(), &all, &PageRequest::default()).await.unwrap();
    assert_eq!(listed.total, 0);

    trusted("hooks:\n  after_save: kill -KILL $$\n").await;
    let (saved, notices) = save(&fixture).await;
    let saved = saved.unwrap();
    assert_eq!(saved.state, SnapshotState::Ready);
    assert_eq!(codes(&notices), ["hook_failed"]);
    assert!(notices[0].message.contains("after_save was ended by signal 9"), "{notices:?}");

    fixture.write("a", "new");
    trusted("hooks:\n  before_restore: 'false'\n  after_rollback: touch rolled-back\n").await;
    assert_eq!(restore(&fixture, &saved).await.0.unwrap_err().word(), "hook_failed");
    assert_eq!(fixture.read("a").as_deref(), Some("new"));
    assert_eq!(fixture.read("rolled-back"), None, "nothing was begun");
    // A stage that cannot be made: the restore begins and fails.
    trusted("hooks:\n  before_restore: rm -rf .backstay/stage; touch .backstay/stage\n  after_rollback: touch rolled-back\n")
        .await;
    restore(&fixture, &saved).await.0.unwrap_err();
    assert_eq!(fixture.read("a").as_deref(), Some("new"));
    assert!(fixture.read("rolled-back").is_some());
}

#[tokio::test]
async fn a_server_runs_nothing_unless_it_is_told_to_and_nobody_trusts_from_afar() {
    let trust = tempfile::tempdir().unwrap();
    let fixture = fixture(trust.path(), false).await;
    fixture.write("backstay.yaml", "hooks:\n  before_save: touch ran\n");
    for caller in [root_caller(), Caller::system("test")] {
        let refused = fixture.service.trust_hooks(&caller, fixture.source_id()).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Forbidden);
        assert!(fixture.service.revoke_hooks(&caller, fixture.source_id()).await.is_err());
    }
    fixture.service.trust_hooks(&anna(), fixture.source_id()).await.unwrap();
    let (saved, notices) = save(&fixture).await;
    saved.unwrap();
    assert_eq!(codes(&notices), ["hooks_not_allowed"]);
    assert_eq!(fixture.read("ran"), None);
}
