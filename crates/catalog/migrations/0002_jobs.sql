-- Jobs and their checkpoints. What a job's states hold is sealed; what the catalog must find it by is not.

-- The random keys under which job content is sealed, themselves sealed under a key of the repository.
CREATE TABLE content_keys (
    number {{key}},
    wrapped {{blob}} NOT NULL,
    created_at BIGINT NOT NULL
);

-- The one row with the last numbers given: numbers grow, and none is given twice.
CREATE TABLE job_numbers (
    id BIGINT NOT NULL PRIMARY KEY,
    checkpoint BIGINT NOT NULL,
    other BIGINT NOT NULL
);
INSERT INTO job_numbers (id, checkpoint, other) VALUES (1, 0, 0);

-- key is a hash of tenant, project and name. The counts are maintained by every change. retain_at is when retention must
-- look at the job next; every save makes that now. A job that expired is not seen, and goes when retain_at comes.
CREATE TABLE jobs (
    number {{rowid}},
    key {{blob}} NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    first_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    newest BIGINT,
    newest_id TEXT,
    checkpoints BIGINT NOT NULL,
    retention TEXT,
    retain_at BIGINT,
    expired_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX jobs_by_key ON jobs (key);
CREATE INDEX jobs_of_project ON jobs (tenant_id, project, number);
CREATE INDEX jobs_due ON jobs (retain_at) WHERE retain_at IS NOT NULL;

CREATE TABLE job_projects (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    project TEXT NOT NULL,
    retention TEXT,
    PRIMARY KEY (tenant_id, project)
){{clustered}};

-- What a policy would remove from a job; carrying it out removes nothing else.
CREATE TABLE job_plans (
    id TEXT NOT NULL PRIMARY KEY,
    job BIGINT NOT NULL,
    body TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX job_plans_expiring ON job_plans (expires_at);

-- number holds the second and a count and is what the public id says; step is a hash of the step's name;
-- base is the checkpoint against whose body this body is encoded; namespace and name are the client's key of a
-- typed checkpoint; run is a hash of project and run; see src/checkpoints/row.rs for flags.
CREATE TABLE checkpoints (
    number {{key}},
    job BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    step BIGINT NOT NULL,
    at BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    expires_at BIGINT,
    base BIGINT,
    parent BIGINT,
    namespace TEXT,
    name TEXT,
    run BIGINT,
    record {{blob}} NOT NULL,
    body {{blob}} NOT NULL
);
CREATE INDEX checkpoints_of_job ON checkpoints (job, sequence, step);
CREATE UNIQUE INDEX checkpoints_by_name ON checkpoints (job, namespace, name) WHERE name IS NOT NULL;
CREATE INDEX checkpoints_of_parent ON checkpoints (parent) WHERE parent IS NOT NULL;
CREATE INDEX checkpoints_of_base ON checkpoints (base) WHERE base IS NOT NULL;
CREATE INDEX checkpoints_expiring ON checkpoints (job) WHERE expires_at IS NOT NULL;
CREATE INDEX checkpoints_of_run ON checkpoints (run) WHERE run IS NOT NULL;

CREATE TABLE checkpoint_holds (
    checkpoint BIGINT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

-- The values of channels that are too large for the manifest of their checkpoint.
CREATE TABLE channel_values (
    number {{key}},
    job BIGINT NOT NULL,
    base BIGINT,
    body {{blob}} NOT NULL
);
CREATE INDEX channel_values_of_job ON channel_values (job, number);
CREATE INDEX channel_values_of_base ON channel_values (base) WHERE base IS NOT NULL;

-- Pending writes; they may come before their checkpoint.
CREATE TABLE checkpoint_writes (
    number {{key}},
    job BIGINT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    task TEXT NOT NULL,
    idx BIGINT NOT NULL,
    task_path TEXT NOT NULL,
    channel TEXT NOT NULL,
    value_type TEXT NOT NULL,
    body {{blob}} NOT NULL
);
CREATE UNIQUE INDEX checkpoint_writes_by_key ON checkpoint_writes (job, namespace, name, task, idx);
