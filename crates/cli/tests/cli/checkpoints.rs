//! `backstay checkpoint` against a server.

use backstay_testkit::PostgresSchema;

use crate::served::Served;

#[test]
fn checkpoints_are_saved_shown_compared_forked_and_cleaned() {
    the_verbs_work(&Served::start());
}

#[test]
fn checkpoints_are_saved_shown_compared_forked_and_cleaned_on_postgres() {
    let Some(schema) = PostgresSchema::create() else { return };
    the_verbs_work(&Served::start_on(Some(schema)));
}

fn the_verbs_work(served: &Served) {
    let file = served.sandbox.beside("state.json");
    let save = |n: usize| {
        std::fs::write(&file, format!("{{\"iteration\": {n}, \"items\": [{n}]}}")).unwrap();
        let step = format!("step_{n}");
        served.ok(&["checkpoint", "save", "--job", "../demo", "--step", &step, file.to_str().unwrap()])
    };
    let ids: Vec<String> = (0..3).map(save).collect();
    let list = served.json(&["checkpoint", "list", "--job", "../demo"]);
    assert_eq!(
        (&list["total"], &list["checkpoints"][1]["checkpoint_id"]),
        (&3.into(), &ids[1].as_str().into())
    );
    assert!(served.ok(&["checkpoint", "list", "--job", "../demo"]).contains("step_2"));
    assert_eq!(served.ok(&["checkpoint", "show", "--job", "../demo"]), "{\"iteration\": 2, \"items\": [2]}");
    let restored = served.ok(&["checkpoint", "restore", "--checkpoint", &ids[1]]);
    assert_eq!(restored, "{\"iteration\": 1, \"items\": [1]}");
    served.run(&["checkpoint", "restore", "--checkpoint", &ids[1], "--resume"]).expect(1);
    let diff = served.json(&["checkpoint", "diff", &ids[0], &ids[2]]);
    let patch = served.sandbox.beside("patch.json");
    std::fs::write(&patch, diff["patch"].to_string()).unwrap();
    let fork =
        ["checkpoint", "fork", "--checkpoint", &ids[0], "--to", "retry", "--patch", patch.to_str().unwrap()];
    let fork = served.ok(&fork);
    assert_eq!(served.json(&["checkpoint", "diff", &fork, &ids[2]])["identical"], true);
    let export = served.sandbox.beside("export.jsonl");
    served.ok(&["checkpoint", "export", "--job", "../demo", export.to_str().unwrap()]);
    served.ok(&["checkpoint", "import", "--job", "copy", export.to_str().unwrap()]);
    assert_eq!(served.json(&["checkpoint", "list", "--job", "copy"])["total"], 3);
    let cleaned = served.json(&["checkpoint", "cleanup", "--job", "../demo", "--keep", "1", "--dry-run"]);
    assert_eq!((&cleaned["deleted_count"], &cleaned["kept_count"]), (&2.into(), &1.into()));
    served.ok(&["checkpoint", "delete", "--checkpoint", &ids[0]]);
    served.run(&["checkpoint", "delete", "--checkpoint", &ids[0]]).expect(1);
}
