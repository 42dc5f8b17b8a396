//! Executions, their steps and approvals.

use std::collections::BTreeSet;

use backstay_catalog::{
    ApprovalFilter, ExecutionFilter, ExecutionNumbers, ExecutionRow, JobRow, NewJob, StepRow,
};
use backstay_model::TenantId;
use backstay_model::execution::{ApprovalStatus, ExecutionState, PauseReason, StepState};

use crate::fixture::{Fixture, at};
use crate::on_both;

on_both!(
    an_execution_comes_back_as_it_was_written_and_moved,
    executions_are_filtered_and_paged_newest_first,
    steps_are_found_by_execution_name_approval_and_deadline,
    what_ended_long_ago_goes_with_its_steps,
    a_change_of_nothing_is_an_error,
);

async fn job(fixture: &Fixture, name: &str) -> JobRow {
    let new = NewJob {
        key: name.as_bytes().to_vec(),
        tenant: TenantId::default_tenant(),
        project: "default".into(),
        name: name.into(),
        created_at: at(0),
    };
    let mut tx = fixture.catalog.begin().await.unwrap();
    let made = tx.ensure_jobs(&[new]).await.unwrap().pop().unwrap();
    tx.commit().await.unwrap();
    made
}

fn execution(job: &JobRow, number: i64) -> ExecutionRow {
    ExecutionRow {
        number,
        job: job.number,
        tenant: job.tenant.clone(),
        project: job.project.clone(),
        workflow_name: if number % 2 == 0 { "even" } else { "odd \u{1f600}" }.into(),
        state: ExecutionState::Running,
        reasons: BTreeSet::new(),
        current_step: None,
        checkpoint: Some(7),
        seen_checkpoint: Some(6),
        steps: 0,
        completed_steps: 0,
        failed_steps: 0,
        pending_approvals: 0,
        started_at: at(number as u64),
        completed_at: None,
        record: vec![1, number as u8],
    }
}

fn step(execution: &ExecutionRow, number: i64) -> StepRow {
    StepRow {
        number,
        execution: execution.number,
        job: execution.job,
        tenant: execution.tenant.clone(),
        project: execution.project.clone(),
        name: number % 3,
        attempt: 1,
        state: StepState::Active,
        approval: None,
        deadline: None,
        created_at: at(number as u64),
        completed_at: None,
        record: vec![2, number as u8],
        outcome: vec![3],
    }
}

async fn add(fixture: &Fixture, executions: &[ExecutionRow], steps: &[StepRow]) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    for row in executions {
        tx.insert_execution(row).await.unwrap();
    }
    for row in steps {
        tx.insert_step(row).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn an_execution_comes_back_as_it_was_written_and_moved(fixture: &Fixture) {
    let mut row = execution(&job(fixture, "j").await, 1 << 40);
    add(fixture, std::slice::from_ref(&row), &[]).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.execution(row.number).await.unwrap().as_ref(), Some(&row));
    assert_eq!(
        tx.execution_numbers().await.unwrap(),
        ExecutionNumbers { execution: 0, step: 0, executor: 0, resume: 0 }
    );
    let numbers = ExecutionNumbers { execution: row.number, step: 5, executor: 6, resume: 7 };
    tx.set_execution_numbers(numbers).await.unwrap();
    row.state = ExecutionState::Paused;
    row.reasons = [PauseReason::User, PauseReason::Denied].into();
    (row.current_step, row.checkpoint, row.seen_checkpoint) = (Some(9), None, Some(7));
    (row.steps, row.completed_steps, row.failed_steps, row.pending_approvals) = (4, 3, 2, 1);
    row.completed_at = Some(at(50));
    tx.move_execution(&row).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.again().await.read().await.unwrap();
    assert_eq!(read.execution(row.number).await.unwrap().as_ref(), Some(&row));
    assert_eq!(read.execution_numbers().await.unwrap(), numbers);
    assert_eq!(read.execution(1).await.unwrap(), None);
}

async fn executions_are_filtered_and_paged_newest_first(fixture: &Fixture) {
    let (one, two) = (job(fixture, "one").await, job(fixture, "two").await);
    let mut rows: Vec<_> = (1..=9).map(|n| execution(if n > 6 { &two } else { &one }, n)).collect();
    rows[3].state = ExecutionState::Failed;
    rows[3].completed_at = Some(at(9));
    let mut foreign = execution(&one, 10);
    foreign.project = "other".into();
    rows.push(foreign);
    add(fixture, &rows, &[]).await;
    let mut read = fixture.catalog.read().await.unwrap();
    let tenant = TenantId::default_tenant();
    for (filter, expected) in [
        (ExecutionFilter::default(), vec![9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (ExecutionFilter { state: Some(ExecutionState::Failed), ..ExecutionFilter::default() }, vec![4]),
        (
            ExecutionFilter { workflow_name: Some("even".into()), ..ExecutionFilter::default() },
            vec![8, 6, 4, 2],
        ),
        (ExecutionFilter { job: Some(two.number), ..ExecutionFilter::default() }, vec![9, 8, 7]),
        (
            ExecutionFilter {
                state: Some(ExecutionState::Running),
                workflow_name: Some("even".into()),
                job: Some(one.number),
            },
            vec![6, 2],
        ),
    ] {
        let found = read.list_executions(&tenant, "default", &filter, 0, 100).await.unwrap();
        assert_eq!(found.iter().map(|row| row.number).collect::<Vec<_>>(), expected, "{filter:?}");
        let count = read.count_executions(&tenant, "default", &filter).await.unwrap();
        assert_eq!(count as usize, expected.len());
    }
    let page = read.list_executions(&tenant, "default", &ExecutionFilter::default(), 2, 3).await.unwrap();
    assert_eq!(page.iter().map(|row| row.number).collect::<Vec<_>>(), [7, 6, 5]);
    let stranger = TenantId::parse("other").unwrap();
    assert_eq!(read.count_executions(&stranger, "default", &ExecutionFilter::default()).await.unwrap(), 0);
    let open = read.open_executions(one.number).await.unwrap();
    assert_eq!(open.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3, 5, 6, 10]);
    let mut some = read.executions_by_number(&[3, 99, 1]).await.unwrap();
    some.sort_by_key(|row| row.number);
    assert_eq!(some, [rows[0].clone(), rows[2].clone()]);
}

async fn steps_are_found_by_execution_name_approval_and_deadline(fixture: &Fixture) {
    let job = job(fixture, "j").await;
    let (one, mut two) = (execution(&job, 1), execution(&job, 2));
    two.project = "other".into();
    let mut steps: Vec<_> = (1..=6).map(|n| step(if n > 4 { &two } else { &one }, n)).collect();
    for (index, status, deadline) in [
        (0, ApprovalStatus::Pending, Some(at(30))),
        (1, ApprovalStatus::Denied, None),
        (3, ApprovalStatus::Pending, None),
        (4, ApprovalStatus::Pending, Some(at(20))),
    ] {
        (steps[index].approval, steps[index].deadline) = (Some(status), deadline);
    }
    (steps[1].state, steps[1].completed_at) = (StepState::Skipped, Some(at(9)));
    add(fixture, &[one.clone(), two.clone()], &steps).await;
    let mut read = fixture.catalog.read().await.unwrap();
    let numbers = |rows: &[StepRow]| rows.iter().map(|row| row.number).collect::<Vec<_>>();
    assert_eq!(read.step(4).await.unwrap().as_ref(), Some(&steps[3]));
    assert_eq!(numbers(&read.list_steps(1, 0, 10).await.unwrap()), [1, 2, 3, 4]);
    assert_eq!(numbers(&read.list_steps(1, 1, 2).await.unwrap()), [2, 3]);
    assert_eq!(numbers(&read.open_steps(1).await.unwrap()), [1, 3, 4]);
    assert_eq!(read.count_steps_named(1).await.unwrap(), 2);
    assert_eq!(read.newest_step_named(1).await.unwrap().as_ref(), Some(&steps[3]));
    assert_eq!(read.newest_step_named(5).await.unwrap(), None);
    assert_eq!(read.steps_by_number(&[6, 77]).await.unwrap(), [steps[5].clone()]);
    let tenant = TenantId::default_tenant();
    for (project, expected) in [
        (None, vec![5, 4, 1]),
        (Some("default"), vec![4, 1]),
        (Some("other"), vec![5]),
        (Some("none"), vec![]),
    ] {
        let filter = ApprovalFilter { status: ApprovalStatus::Pending, project: project.map(str::to_owned) };
        assert_eq!(numbers(&read.list_approvals(&tenant, &filter, 0, 10).await.unwrap()), expected);
        assert_eq!(read.count_approvals(&tenant, &filter).await.unwrap() as usize, expected.len());
    }
    assert_eq!(numbers(&read.approvals_due(at(19), 10).await.unwrap()), Vec::<i64>::new());
    assert_eq!(numbers(&read.approvals_due(at(20), 10).await.unwrap()), [5]);
    assert_eq!(numbers(&read.approvals_due(at(30), 10).await.unwrap()), [5, 1]);
    assert_eq!(numbers(&read.approvals_due(at(30), 1).await.unwrap()), [5]);
    drop(read);
    let mut decided = steps[0].clone();
    (decided.state, decided.approval, decided.deadline) =
        (StepState::Active, Some(ApprovalStatus::Approved), None);
    decided.outcome = vec![4, 4];
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.move_step(&decided).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.step(1).await.unwrap(), Some(decided));
    assert_eq!(numbers(&read.approvals_due(at(99), 10).await.unwrap()), [5]);
    drop(read);
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.look_at_deadlines_again(2, at(100)).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(numbers(&read.approvals_due(at(99), 10).await.unwrap()), Vec::<i64>::new());
    assert_eq!(numbers(&read.approvals_due(at(100), 10).await.unwrap()), [5]);
}

async fn what_ended_long_ago_goes_with_its_steps(fixture: &Fixture) {
    let job = job(fixture, "j").await;
    let mut rows: Vec<_> = (1..=4).map(|n| execution(&job, n)).collect();
    for (index, ended) in [(0, 30), (1, 10), (2, 50)] {
        rows[index].completed_at = Some(at(ended));
    }
    let steps: Vec<_> = rows.iter().map(|row| step(row, row.number * 10)).collect();
    add(fixture, &rows, &steps).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    let tenant = TenantId::default_tenant();
    let ended = tx.executions_ended(&tenant, "default", at(50), 10).await.unwrap();
    assert_eq!(ended.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 1]);
    tx.delete_executions(&[2, 1, 77]).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    for (number, there) in [(1, false), (2, false), (3, true), (4, true)] {
        assert_eq!(read.execution(number).await.unwrap().is_some(), there);
        assert_eq!(read.step(number * 10).await.unwrap().is_some(), there);
    }
}

async fn a_change_of_nothing_is_an_error(fixture: &Fixture) {
    let row = execution(&job(fixture, "j").await, 1);
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert!(tx.move_execution(&row).await.is_err());
    assert!(tx.move_step(&step(&row, 1)).await.is_err());
}
