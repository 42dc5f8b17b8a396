//! `kill -9` of a server while workflows run: executions, deadlines and approvals survive, each whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use backstay_api::execution::{
    Execution, ExecutionQuery, NewApproval, NewDecision, NewExecution, NewStep, PlaceQuery, SteerExecution,
    Step, StepEnd,
};
use backstay_client::{Client, ClientError, ClientOptions, Executions};
use backstay_model::SeededRng;
use backstay_model::execution::{ApprovalStatus, ExecutionState, StepState};
use rand::RngExt;
use serde_json::Value;
use serde_json::value::RawValue;

const KILLS: u64 = 8;
const CLIENTS: usize = 4;

fn backstay(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
    command.args(arguments).arg("--data-directory").arg(data).env_remove("BACKSTAY_SERVER");
    command
}

/// A running server and its address.
fn serve(data: &Path) -> (Child, String) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--format", "ndjson"];
    let mut child = backstay(data, &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    (child, format!("http://{}", event["listening"]["address"].as_str().unwrap()))
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn token(data: &Path) -> String {
    let (child, _) = serve(data);
    let made = backstay(data, &["tokens", "create", "t", "--role", "operator", "--quiet"]).output().unwrap();
    kill(child);
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

fn api(address: &str, token: &str, seed: u64) -> Executions {
    let options = ClientOptions::new(Some(token), Arc::new(SeededRng::new(seed)));
    Client::new(address, options).unwrap().executions("default")
}

fn execution(name: &str) -> NewExecution {
    NewExecution {
        correlation_id: name.to_owned(),
        workflow_name: "killed".into(),
        initial_data: Some(RawValue::from_string("{\"n\":1e2}".into()).unwrap()),
        job_id: None,
    }
}

fn step(name: &str, approval: Option<NewApproval>) -> NewStep {
    NewStep {
        checkpoint_name: name.to_owned(),
        agent_id: "agent".into(),
        input_data: None,
        approval_required: approval.is_some(),
        approval,
        metadata: None,
    }
}

fn end(state: Option<&str>) -> StepEnd {
    let state = state.map(|state| RawValue::from_string(state.to_owned()).unwrap());
    StepEnd { output_data: None, success: true, state }
}

async fn steps(api: &Executions, id: &str) -> Vec<Step> {
    api.steps(id, &PlaceQuery { limit: Some(1000), offset: None }).await.unwrap().checkpoints
}

/// The same JSON, whatever the order in which it is compared.
fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn what_was_waiting_waits_after_a_kill_and_a_deadline_that_passed_meanwhile_is_applied() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let token = token(&data);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();

    let (child, address) = serve(&data);
    let (before, timed, answered) = runtime.block_on(async {
        let api = api(&address, &token, 1);
        let mut made = Vec::new();
        for timeout_s in [None, Some(3600)] {
            let execution = api.start(&execution("waits")).await.unwrap();
            let asked = NewApproval { timeout_s, min_approvals: 2, ..NewApproval::default() };
            let asked = api.create_step(&execution.execution_id, &step("send", Some(asked))).await.unwrap();
            api.approve(&execution.execution_id, &asked.step_id, &NewDecision::default()).await.unwrap();
            api.steer(&execution.execution_id, "pause", &SteerExecution::default()).await.unwrap();
            let now = api.get(&execution.execution_id).await.unwrap();
            made.push((
                execution.execution_id.clone(),
                text(&now),
                text(&steps(&api, &now.execution_id).await),
            ));
        }
        let timed = api.start(&execution("timed")).await.unwrap();
        let asked = NewApproval { timeout_s: Some(1), ..NewApproval::default() };
        api.create_step(&timed.execution_id, &step("send", Some(asked))).await.unwrap();
        (made, timed.execution_id, Instant::now())
    });
    kill(child);

    // It passes while nothing runs.
    runtime.block_on(async { tokio::time::sleep_until((answered + Duration::from_secs(1)).into()).await });
    let (child, address) = serve(&data);
    runtime.block_on(async {
        let api = api(&address, &token, 2);
        for (id, execution, of_it) in &before {
            assert_eq!(text(&api.get(id).await.unwrap()), *execution);
            assert_eq!(text(&steps(&api, id).await), *of_it);
        }
        // Nobody asks for it: the server applies what passed when it starts.
        let started = Instant::now();
        let found = loop {
            let found = steps(&api, &timed).await.remove(0);
            if found.state != StepState::Paused {
                break found;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "the deadline was not applied");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let approval = found.approval.unwrap();
        assert_eq!((found.state, approval.status), (StepState::Skipped, ApprovalStatus::Denied));
        assert_eq!(approval.decisions[0].actor.name, "system:deadline");
    });
    kill(child);
}

/// What a client was told of one of its executions.
#[derive(Debug, Default, Clone)]
struct Told {
    approved: bool,
    saved: Option<String>,
    completed: bool,
}

/// One workflow after the other, until the server does not answer any more.
async fn work(
    api: Executions,
    told: Arc<Mutex<Vec<(String, Told)>>>,
    news: mpsc::Sender<()>,
) -> Result<(), ClientError> {
    for n in 0.. {
        let made = api.start(&execution(&format!("run {n}"))).await?;
        let id = made.execution_id;
        told.lock().unwrap().push((id.clone(), Told::default()));
        let note = |change: &dyn Fn(&mut Told)| {
            let mut told = told.lock().unwrap();
            change(&mut told.iter_mut().rev().find(|(known, _)| *known == id).unwrap().1);
            let _ = news.send(());
        };
        let asked = api.create_step(&id, &step("send", Some(NewApproval::default()))).await?;
        api.approve(&id, &asked.step_id, &NewDecision::default()).await?;
        note(&|told| told.approved = true);
        let done = api.complete_step(&id, &asked.step_id, &end(Some("{\"sent\":true}"))).await?;
        note(&|told| told.saved.clone_from(&done.checkpoint_id));
        api.steer(&id, "complete", &SteerExecution::default()).await?;
        note(&|told| told.completed = true);
    }
    Ok(())
}

/// What holds for every execution at every time.
fn is_whole(execution: &Execution, steps: &[Step]) {
    let pending = steps.iter().filter(|step| step.approval_status == Some(ApprovalStatus::Pending)).count();
    assert_eq!(execution.pending_approvals, pending as u64, "{execution:?}");
    assert_eq!(execution.total_checkpoints, steps.len() as u64, "{execution:?}");
    assert_eq!(
        execution.state == ExecutionState::Paused,
        !execution.pause_reasons.is_empty(),
        "{execution:?}"
    );
    let completed = steps.iter().filter(|step| step.state == StepState::Completed).count();
    assert_eq!(execution.completed_checkpoints, completed as u64, "{execution:?}");
    for step in steps {
        assert_eq!(step.state == StepState::Completed, step.checkpoint_id.is_some(), "{step:?}");
    }
}

#[test]
fn nothing_acknowledged_of_an_execution_is_lost_or_torn() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let token = token(&data);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let told: Arc<Mutex<Vec<(String, Told)>>> = Arc::default();
    let mut random = rand::rng();
    for round in 0..KILLS {
        let (child, address) = serve(&data);
        let (news, heard) = mpsc::channel();
        let workers: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let api = api(&address, &token, round * 100 + client as u64);
                runtime.spawn(work(api, Arc::clone(&told), news.clone()))
            })
            .collect();
        // Somewhere in the middle of the work: after so many answers.
        for _ in 0..random.random_range(1..60) {
            heard.recv_timeout(Duration::from_mins(1)).unwrap();
        }
        kill(child);
        for worker in workers {
            worker.abort();
            let _ = runtime.block_on(worker);
        }
    }

    let (child, address) = serve(&data);
    let told = told.lock().unwrap().clone();
    assert!(told.len() > CLIENTS);
    runtime.block_on(async {
        let api = api(&address, &token, 9);
        let states = Client::new(&address, ClientOptions::new(Some(&token), Arc::new(SeededRng::new(8))))
            .unwrap()
            .checkpoints("default");
        for (id, told) in &told {
            let execution = api.get(id).await.unwrap();
            let steps = steps(&api, id).await;
            is_whole(&execution, &steps);
            if told.approved {
                assert_eq!(steps[0].approval_status, Some(ApprovalStatus::Approved), "{id}");
            }
            if let Some(saved) = &told.saved {
                assert_eq!(steps[0].checkpoint_id.as_ref(), Some(saved));
                let state = states.get(saved).await.unwrap().state_snapshot.unwrap();
                assert_eq!(state.get(), "{\"sent\":true}");
            }
            if told.completed {
                assert_eq!(execution.state, ExecutionState::Completed, "{id}");
            }
        }
        let query = ExecutionQuery { limit: Some(500), ..ExecutionQuery::default() };
        for execution in api.list(&query).await.unwrap().executions {
            is_whole(&execution, &steps(&api, &execution.execution_id).await);
        }
    });
    kill(child);
    let audit = backstay(&data, &["audit", "verify"]).output().unwrap();
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stderr));
}
