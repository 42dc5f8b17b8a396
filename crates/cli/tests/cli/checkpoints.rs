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
    folders_are_imported(served);
    a_database_of_langgraph_is_imported(served);
    let cleaned = served.json(&["checkpoint", "cleanup", "--job", "../demo", "--keep", "1", "--dry-run"]);
    assert_eq!((&cleaned["deleted_count"], &cleaned["kept_count"]), (&2.into(), &1.into()));
    served.ok(&["checkpoint", "delete", "--checkpoint", &ids[0]]);
    served.run(&["checkpoint", "delete", "--checkpoint", &ids[0]]).expect(1);
}

/// The folders of a file-based checkpoint manager: what can be kept is kept, and what not is told.
fn folders_are_imported(served: &Served) {
    let folder = served.sandbox.beside("managed");
    let write = |job: &str, name: &str, text: &str| {
        std::fs::create_dir_all(folder.join(job)).unwrap();
        std::fs::write(folder.join(job).join(name), text).unwrap();
    };
    // In the order of their names they would be 10, 2, and so on.
    let times = [
        ("step_2", "2025-11-18T10:30:00"),
        ("step_10", "2025-11-18T10:31:00.5+00:00"),
        ("step_1", "2025-11-18T10:29:00Z"),
    ];
    for (step, time) in times {
        let text = format!(
            r#"{{"checkpoint_id":"{step}_1763461800","job_id":"nightly","step_name":"{step}","timestamp":"{time}",
                "state_snapshot":{{"at":"{step}","big":12345678901234567890}},"metadata":{{"by":"x"}},
                "workflow_name":"etl","workflow_version":"2.1","file_path":"/somewhere"}}"#
        );
        write("nightly", &format!("{step}_1763461800.json"), &text);
    }
    write(
        "nightly",
        "lost.json",
        r#"{"step_name":"lost","timestamp":"2025-11-18T10:32:00Z","state_snapshot":null}"#,
    );
    write("nightly", "torn.json", r#"{"step_name":"torn","state_snapshot":{"a":"#);
    write("nightly", "list.json", r#"{"step_name":"list","state_snapshot":[1]}"#);
    write("nightly", "index.json", r#"{"count":3}"#);
    write("nightly", "README.txt", "no checkpoint");
    write("named by its folder", "a.json", r#"{"step_name":"a","state":{"n":1},"metadata":"text"}"#);
    let report = served.run(&["checkpoint", "import", "--json", folder.to_str().unwrap()]).expect(3).json();
    assert_eq!(report["imported"], 5, "{report}");
    let reasons: Vec<(String, String)> = report["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| {
            let file = told["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            (file, told["reason"].as_str().unwrap().to_owned())
        })
        .collect();
    for (file, part) in
        [("torn.json", "no checkpoint: EOF"), ("list.json", "JSON object"), ("index.json", "neither a state")]
    {
        assert!(
            reasons.iter().any(|(name, reason)| name == file && reason.contains(part)),
            "{file}: {reasons:?}"
        );
    }
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert_eq!(report["left_out"].as_array().unwrap().len(), 1, "{report}");

    let list = served.json(&["checkpoint", "list", "--job", "nightly"]);
    let items = list["checkpoints"].as_array().unwrap();
    let steps: Vec<&str> = items.iter().map(|item| item["step_name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["step_1", "step_2", "step_10", "lost"]);
    assert_eq!((&items[0]["workflow_name"], &items[0]["workflow_version"]), (&"etl".into(), &"2.1".into()));
    assert_eq!(items[0]["metadata"]["by"], "x");
    let shown =
        served.ok(&["checkpoint", "show", "--checkpoint", items[2]["checkpoint_id"].as_str().unwrap()]);
    assert_eq!(shown, r#"{"at":"step_10","big":12345678901234567890}"#);
    assert_eq!(served.json(&["checkpoint", "list", "--job", "named by its folder"])["total"], 1);

    // Without a state there is nothing to restore, and an export keeps that.
    let lost = items[3]["checkpoint_id"].as_str().unwrap();
    let refused = served.run(&["checkpoint", "restore", "--checkpoint", lost]).expect(2);
    assert!(refused.stderr.contains(&format!("Checkpoint {lost} has no state data")), "{}", refused.stderr);
    let export = served.sandbox.beside("nightly.jsonl");
    served.ok(&["checkpoint", "export", "--job", "nightly", export.to_str().unwrap()]);
    served.ok(&["checkpoint", "import", "--job", "again", export.to_str().unwrap()]);
    let again = served.json(&["checkpoint", "list", "--job", "again"]);
    assert_eq!((&again["total"], &again["checkpoints"][3]["size_bytes"]), (&4.into(), &0.into()));
}

/// A mapping of MessagePack with short texts as keys.
fn mapping(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0x80 | members.len() as u8];
    for (name, value) in members {
        out.extend(text(name));
        out.extend(value);
    }
    out
}

fn text(text: &str) -> Vec<u8> {
    [&[0xa0 | text.len() as u8], text.as_bytes()].concat()
}

/// The threads of a database keep everything; what cannot be taken apart is told.
fn a_database_of_langgraph_is_imported(served: &Served) {
    use sqlx::{Connection, SqliteConnection};
    let file = served.sandbox.beside("checkpoints.sqlite");
    let name = file.to_str().unwrap();
    let checkpoint = |a: u8| {
        mapping(&[
            ("id", text("x")),
            ("channel_values", mapping(&[("a", vec![0x92, a, 0xc3]), ("b", text("same"))])),
            ("channel_versions", mapping(&[("a", vec![a]), ("b", text("0001.7"))])),
        ])
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut database = SqliteConnection::connect(&format!("sqlite:{name}?mode=rwc")).await.unwrap();
        let tables = "CREATE TABLE checkpoints (thread_id TEXT, checkpoint_ns TEXT, checkpoint_id TEXT, parent_checkpoint_id TEXT,
                type TEXT, checkpoint BLOB, metadata BLOB, PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id));
            CREATE TABLE writes (thread_id TEXT, checkpoint_ns TEXT, checkpoint_id TEXT, task_id TEXT, idx INTEGER, channel TEXT,
                type TEXT, value BLOB, PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx))";
        sqlx::raw_sql(tables).execute(&mut database).await.unwrap();
        for (id, parent, value_type, bytes) in [
            ("1", None, "msgpack", checkpoint(1)),
            ("2", Some("1"), "msgpack", checkpoint(2)),
            ("3", Some("2"), "pickle", vec![0x80]),
        ] {
            let row = sqlx::query("INSERT INTO checkpoints VALUES ('../thread', '', $1, $2, $3, $4, $5)");
            let row = row.bind(id).bind(parent).bind(value_type).bind(bytes).bind(b"{\"step\": 1}".as_slice());
            row.execute(&mut database).await.unwrap();
        }
        let write = "INSERT INTO writes VALUES ('../thread', '', '2', 'task', -3, '__interrupt__', 'msgpack', x'c0')";
        sqlx::raw_sql(write).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    });
    served.run(&["checkpoint", "import", "--job", "j", name]).expect(2);
    let report = served.run(&["checkpoint", "import", "--json", name]).expect(3).json();
    assert_eq!(
        (&report["imported"], &report["jobs"][0]["job_id"]),
        (&2.into(), &"../thread".into()),
        "{report}"
    );
    assert_eq!(report["skipped"][0]["file"], "../thread 3");
    assert!(report["skipped"][0]["reason"].as_str().unwrap().contains("`pickle`"), "{report}");
    let list = served.json(&["checkpoint", "list", "--job", "../thread"]);
    let ids =
        list["checkpoints"].as_array().unwrap().iter().map(|item| item["checkpoint_id"].as_str().unwrap());
    let shown: Vec<String> = ids.map(|id| served.ok(&["checkpoint", "show", "--checkpoint", id])).collect();
    assert_eq!(shown, [r#"{"a":[1,true],"b":"same"}"#, r#"{"a":[2,true],"b":"same"}"#]);
    // The file is a database, and not one of these.
    let other = served.sandbox.beside("other.sqlite");
    std::fs::write(&other, b"SQLite format 3\0 and nothing else").unwrap();
    served.run(&["checkpoint", "import", other.to_str().unwrap()]).expect(2);
}
