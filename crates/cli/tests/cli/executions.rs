//! `backstay execution` and `backstay approval`, against a server and on its data directory.

use backstay_testkit::PostgresSchema;
use serde_json::json;

use crate::sandbox::Ran;
use crate::served::Served;

#[test]
fn a_workflow_runs_from_the_command_line() {
    a_workflow_runs(&|served, arguments| served.run(arguments), &Served::start());
}

#[test]
fn a_workflow_runs_from_the_command_line_on_postgres() {
    let Some(schema) = PostgresSchema::create() else { return };
    a_workflow_runs(&|served, arguments| served.run(arguments), &Served::start_on(Some(schema)));
}

#[test]
fn a_workflow_runs_without_a_server_on_its_data() {
    let served = Served::start();
    let local = |served: &Served, arguments: &[&str]| {
        let data = served.sandbox.beside("data");
        let arguments = [arguments, &["--data-directory", data.to_str().unwrap()]].concat();
        Ran::of(&mut served.sandbox.command(&arguments))
    };
    a_workflow_runs(&local, &served);
}

fn a_workflow_runs(run: &dyn Fn(&Served, &[&str]) -> Ran, served: &Served) {
    let ok = |arguments: &[&str]| run(served, arguments).expect(0).stdout.trim_end_matches('\n').to_owned();
    let shown = |arguments: &[&str]| run(served, &[arguments, &["--json"]].concat()).expect(0).json();
    let start = ["execution", "start", "nightly", "--correlation", "run 1", "--data", "{\"day\": 1e2}"];
    let execution = ok(&start);
    assert!(execution.starts_with("exec_nightly_"), "{execution}");
    let load = ok(&["execution", "begin", &execution, "load", "--agent", "a"]);
    assert_eq!(ok(&["execution", "wait", &execution, &load]), "active");
    let state = served.sandbox.beside("state.json");
    std::fs::write(&state, "{\"rows\": 10}").unwrap();
    assert_eq!(ok(&["execution", "end", &execution, &load, "--state", state.to_str().unwrap()]), "completed");

    let send = ok(&[
        "execution",
        "begin",
        &execution,
        "send",
        "--agent",
        "a",
        "--approval",
        "Send it?",
        "--timeout",
        "3600",
    ]);
    run(served, &["execution", "wait", &execution, &send, "--timeout", "0"]).expect(1);
    let refused = run(served, &["execution", "resume", &execution]).expect(1);
    assert!(refused.stderr.contains("Checkpoint send is waiting for approval"), "{}", refused.stderr);
    assert!(ok(&["approval", "list"]).contains("Send it?"));
    assert!(ok(&["execution", "list", "--state", "paused"]).contains("paused (approval)"));
    assert_eq!(
        ok(&["approval", "deny", &execution, &send, "--reason", "not today"]),
        "denied; the step is skipped"
    );
    let again = run(served, &["approval", "approve", &execution, &send]).expect(1);
    assert!(again.stderr.contains("Approval already decided: denied by "), "{}", again.stderr);
    assert_eq!(ok(&["execution", "pause", &execution]), "paused (user, denied)");
    assert_eq!(ok(&["execution", "resume", &execution, "--reason", "go on"]), "running");
    assert_eq!(ok(&["execution", "complete", &execution]), "completed");

    let whole = shown(&["execution", "show", &execution]);
    assert_eq!(whole["execution"]["global_data"], json!({"day": 100.0}));
    assert_eq!(whole["checkpoints"][0]["state"], "completed");
    assert_eq!(whole["checkpoints"][1]["approval_status"], "denied");
    let events = ok(&["execution", "events", &execution]);
    assert!(events.contains("approval.denied") && events.contains("execution.completed"), "{events}");
    let forked = shown(&["execution", "fork", &execution, "--job", "retry", "--reason", "once more"]);
    assert_eq!((&forked["state"], &forked["job_id"]), (&json!("running"), &json!("retry")));
    assert_eq!(forked["forked_from"]["execution_id"], json!(execution));
    assert!(forked["forked_from"]["checkpoint_id"].as_str().unwrap().starts_with("load_"));
    assert!(ok(&["execution", "events", &execution]).contains("execution.forked"));
    let first = forked["forked_from"]["checkpoint_id"].as_str().unwrap();
    let other = ok(&["execution", "fork", &execution, "--checkpoint", first, "--correlation", "run 2"]);
    assert_eq!(shown(&["execution", "show", &other])["execution"]["correlation_id"], "run 2");
    run(served, &["execution", "fork", &execution, "--checkpoint", "load_1_00000000"]).expect(1);
    for each in [&other, forked["execution_id"].as_str().unwrap()] {
        assert_eq!(ok(&["execution", "cancel", each]), "cancelled");
        ok(&["execution", "show", each]);
    }
    let cleaned = shown(&["execution", "cleanup", "--days", "0", "--dry-run"]);
    let mut deleted: Vec<_> =
        cleaned["deleted"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let mut ended = vec![&*execution, &*other, forked["execution_id"].as_str().unwrap()];
    deleted.sort_unstable();
    ended.sort_unstable();
    assert_eq!(deleted, ended);
    assert_eq!(ok(&["execution", "cleanup", "--days", "0"]).lines().count(), 3);
    run(served, &["execution", "show", &execution]).expect(1);
}
