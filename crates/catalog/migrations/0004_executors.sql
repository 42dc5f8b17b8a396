-- Executors let a job go on from a restored state; a resume is one attempt at that. Where an executor is, its secret, and what was
-- said about a resume are sealed.

ALTER TABLE execution_numbers ADD COLUMN executor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE execution_numbers ADD COLUMN resume BIGINT NOT NULL DEFAULT 0;

-- The executor that a job names.
ALTER TABLE jobs ADD COLUMN executor BIGINT;
CREATE INDEX jobs_of_executor ON jobs (executor) WHERE executor IS NOT NULL;

CREATE TABLE executors (
    number {{key}},
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    pull BIGINT NOT NULL,
    patterns TEXT NOT NULL,
    timeout_s BIGINT NOT NULL,
    capabilities TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    record {{blob}} NOT NULL
);
CREATE UNIQUE INDEX executors_by_name ON executors (tenant_id, project, name);

-- checkpoint is what the job is to go on from, safety what is kept of it for a while: unpin_at is when its pin ends. ends_at
-- is when an attempt that nobody ended is over; leased_until when the message is given out again to an executor that polls.
CREATE TABLE resumes (
    number {{key}},
    job BIGINT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    executor BIGINT NOT NULL,
    checkpoint BIGINT NOT NULL,
    state TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    safety BIGINT,
    unpin_at BIGINT,
    leased_until BIGINT,
    ends_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    record {{blob}} NOT NULL
);
CREATE INDEX resumes_of_job ON resumes (job, number);
CREATE INDEX resumes_open_of_job ON resumes (job) WHERE ended_at IS NULL;
CREATE INDEX resumes_open_of_executor ON resumes (executor, number) WHERE ended_at IS NULL;
CREATE INDEX resumes_overdue ON resumes (ends_at) WHERE ended_at IS NULL;
CREATE INDEX resumes_pinning ON resumes (unpin_at) WHERE unpin_at IS NOT NULL;
CREATE INDEX resumes_pinned ON resumes (safety) WHERE unpin_at IS NOT NULL;
CREATE INDEX resumes_ended ON resumes (ended_at) WHERE ended_at IS NOT NULL;
