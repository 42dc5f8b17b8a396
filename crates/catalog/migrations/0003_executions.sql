-- Executions of workflows, their steps and the approvals that steps ask for. What people and programs said is sealed under
-- the key of the job; what the catalog must find things by is not.

-- The one row with the last numbers given: numbers grow, and none is given twice.
CREATE TABLE execution_numbers (
    id BIGINT NOT NULL PRIMARY KEY,
    execution BIGINT NOT NULL,
    step BIGINT NOT NULL
);
INSERT INTO execution_numbers (id, execution, step) VALUES (1, 0, 0);

-- The counts are maintained by every change. current_step is the step that was begun last, until a step ends; checkpoint is
-- the checkpoint at which the execution stands, seen_checkpoint the one at which it stood when it began or when the last approval was
-- given.
CREATE TABLE executions (
    number {{key}},
    job BIGINT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    project TEXT NOT NULL,
    workflow_name TEXT NOT NULL,
    state TEXT NOT NULL,
    reasons TEXT NOT NULL,
    current_step BIGINT,
    checkpoint BIGINT,
    seen_checkpoint BIGINT,
    steps BIGINT NOT NULL,
    completed_steps BIGINT NOT NULL,
    failed_steps BIGINT NOT NULL,
    pending_approvals BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    completed_at BIGINT,
    record {{blob}} NOT NULL
);
CREATE INDEX executions_of_project ON executions (tenant_id, project, number);
CREATE INDEX executions_of_state ON executions (tenant_id, project, state, number);
CREATE INDEX executions_of_workflow ON executions (tenant_id, project, workflow_name, number);
CREATE INDEX executions_of_job ON executions (job, number);
CREATE INDEX executions_open ON executions (job) WHERE completed_at IS NULL;
CREATE INDEX executions_ended ON executions (tenant_id, project, completed_at) WHERE completed_at IS NOT NULL;

-- name is a hash of the execution and the step's name; deadline is set while the approval is pending and has one that does
-- something.
CREATE TABLE execution_steps (
    number {{key}},
    execution BIGINT NOT NULL,
    job BIGINT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    project TEXT NOT NULL,
    name BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    state TEXT NOT NULL,
    approval TEXT,
    deadline BIGINT,
    created_at BIGINT NOT NULL,
    completed_at BIGINT,
    record {{blob}} NOT NULL,
    outcome {{blob}} NOT NULL
);
CREATE INDEX steps_of_execution ON execution_steps (execution, number);
CREATE INDEX steps_open ON execution_steps (execution, number) WHERE completed_at IS NULL;
CREATE INDEX steps_by_name ON execution_steps (name, number);
CREATE INDEX approvals_of_project ON execution_steps (tenant_id, project, approval, number) WHERE approval IS NOT NULL;
CREATE INDEX approvals_of_tenant ON execution_steps (tenant_id, approval, number) WHERE approval IS NOT NULL;
CREATE INDEX approvals_due ON execution_steps (deadline) WHERE deadline IS NOT NULL;
