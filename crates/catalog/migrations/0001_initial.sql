-- The first schema. Times are microseconds since the Unix epoch, flags are 0 or 1, JSON is text.
-- {{key}}, {{rowid}}, {{blob}} and {{clustered}} are what the two databases spell differently.

CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX tenants_by_name ON tenants (name);
INSERT INTO tenants (id, name, settings, created_at) VALUES ('default', 'default', '{}', 0);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    changed_at BIGINT NOT NULL
){{clustered}};

CREATE TABLE sources (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    root TEXT,
    host TEXT NOT NULL,
    settings TEXT NOT NULL,
    retention TEXT,
    state_serial BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE UNIQUE INDEX sources_by_name ON sources (tenant_id, kind, name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX sources_by_root ON sources (host, root) WHERE root IS NOT NULL AND removed_at IS NULL;
CREATE INDEX sources_in_order ON sources (tenant_id, created_at, id);

-- created_at identifies a snapshot's place in every list: an insert moves it to the next free microsecond.
-- facet is kind, state, trigger and pinned in one number; see src/snapshots/facet.rs.
CREATE TABLE snapshots (
    created_at {{key}},
    id TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    source_id TEXT NOT NULL REFERENCES sources (id),
    facet BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    pinned BIGINT NOT NULL DEFAULT 0,
    name TEXT,
    label TEXT,
    description TEXT,
    finished_at BIGINT,
    parent_id TEXT,
    group_id TEXT,
    operation_id TEXT,
    manifest_id TEXT,
    tree_id TEXT,
    logical_bytes BIGINT NOT NULL DEFAULT 0,
    added_bytes BIGINT NOT NULL DEFAULT 0,
    stored_bytes BIGINT NOT NULL DEFAULT 0,
    counts TEXT NOT NULL DEFAULT '{}',
    warning_count BIGINT NOT NULL DEFAULT 0,
    warnings TEXT NOT NULL DEFAULT '[]',
    partial BIGINT NOT NULL DEFAULT 0,
    attributes TEXT NOT NULL DEFAULT '{}',
    created_by TEXT NOT NULL,
    failure TEXT,
    lease_owner TEXT,
    lease_expires_at BIGINT,
    deleted_at BIGINT,
    deleted_by TEXT,
    deleted_reason TEXT,
    verified_at BIGINT,
    damage TEXT
);
CREATE UNIQUE INDEX snapshots_by_id ON snapshots (id);
CREATE INDEX snapshots_of_facet ON snapshots (facet, created_at);
CREATE INDEX snapshots_of_tenant ON snapshots (tenant_id, created_at);
CREATE INDEX snapshots_of_tenant_facet ON snapshots (tenant_id, facet, created_at);
CREATE INDEX snapshots_of_source ON snapshots (source_id, created_at);
CREATE INDEX snapshots_of_source_facet ON snapshots (source_id, facet, created_at);
CREATE INDEX snapshots_of_label ON snapshots (label, tenant_id, facet, created_at) WHERE label IS NOT NULL;
CREATE INDEX snapshots_of_parent ON snapshots (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX snapshots_of_group ON snapshots (group_id, created_at) WHERE group_id IS NOT NULL;
CREATE INDEX snapshots_of_operation ON snapshots (operation_id) WHERE operation_id IS NOT NULL;
CREATE INDEX snapshots_of_manifest ON snapshots (manifest_id) WHERE manifest_id IS NOT NULL;
CREATE INDEX snapshots_of_lease ON snapshots (lease_expires_at) WHERE state = 'creating';

-- How many snapshots there are of each facet; scope is '*', 't/TENANT' or 's/SOURCE';
-- width is the length of the bucket in seconds: 30 days, a day or an hour, 0 for all time; sources have no buckets of
-- an hour.
CREATE TABLE snapshot_counts (
    scope TEXT NOT NULL,
    width BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    facet BIGINT NOT NULL,
    count BIGINT NOT NULL,
    logical_bytes BIGINT NOT NULL,
    added_bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    PRIMARY KEY (scope, width, bucket, facet)
){{clustered}};

CREATE TABLE holds (
    id TEXT NOT NULL PRIMARY KEY,
    snapshot_id TEXT NOT NULL REFERENCES snapshots (id),
    reason TEXT NOT NULL,
    until BIGINT,
    pin BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE INDEX holds_of_snapshot ON holds (snapshot_id, created_at);
CREATE INDEX holds_until ON holds (until) WHERE until IS NOT NULL;

CREATE TABLE operations (
    seq {{rowid}},
    id TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    source_id TEXT NOT NULL REFERENCES sources (id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    serial_before BIGINT NOT NULL,
    serial_after BIGINT,
    snapshot_id TEXT,
    target_id TEXT,
    undoes TEXT,
    changed_paths TEXT NOT NULL,
    not_restored TEXT NOT NULL,
    detail TEXT NOT NULL,
    error TEXT,
    actor TEXT NOT NULL,
    task_id TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX operations_by_id ON operations (id);
CREATE INDEX operations_of_source ON operations (source_id, seq);
CREATE INDEX operations_of_tenant ON operations (tenant_id, seq);
CREATE INDEX operations_running ON operations (source_id) WHERE state = 'running' OR state = 'needs_recovery';

CREATE TABLE tasks (
    seq {{rowid}},
    id TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    source_id TEXT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    idempotency_key TEXT,
    priority BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_expires_at BIGINT,
    lease_epoch BIGINT NOT NULL,
    heartbeat_at BIGINT,
    cancel_requested BIGINT NOT NULL,
    progress TEXT,
    result TEXT,
    error TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE UNIQUE INDEX tasks_by_id ON tasks (id);
CREATE UNIQUE INDEX tasks_by_idempotency_key ON tasks (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX tasks_queued ON tasks (priority DESC, run_at, seq) WHERE state = 'queued';
CREATE INDEX tasks_running ON tasks (lease_expires_at) WHERE state = 'running';
CREATE INDEX tasks_of_tenant ON tasks (tenant_id, state, seq);
CREATE INDEX tasks_of_source ON tasks (source_id, seq) WHERE source_id IS NOT NULL;
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;

-- The event log. facet identifies action and outcome; see src/events/facet.rs.
CREATE TABLE events (
    seq {{key}},
    at BIGINT NOT NULL,
    tenant_id TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT,
    source_id TEXT,
    subject_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    data TEXT NOT NULL,
    request_id TEXT,
    prev_hash {{blob}} NOT NULL,
    hash {{blob}} NOT NULL,
    facet BIGINT NOT NULL
);
CREATE INDEX events_of_facet ON events (facet, seq);
-- With what counting a stretch of time needs, so that it reads no events.
CREATE INDEX events_of_tenant ON events (tenant_id, seq, at, facet);
CREATE INDEX events_of_tenant_facet ON events (tenant_id, facet, seq);
CREATE INDEX events_of_actor ON events (actor_id, facet, seq, at, tenant_id);
CREATE INDEX events_of_source ON events (source_id, facet, seq, at, tenant_id) WHERE source_id IS NOT NULL;
CREATE INDEX events_of_subject ON events (subject_id, seq);

-- The one row that tells where the log ends.
CREATE TABLE event_head (
    id BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash {{blob}} NOT NULL
);

CREATE TABLE event_facets (
    facet BIGINT NOT NULL PRIMARY KEY,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL
);

-- How many events there are; scope is '*', 't/TENANT', 'a/TENANT/ACTOR' or 's/TENANT/SOURCE';
-- the first two have buckets of 30 days and of a day as well as all time.
CREATE TABLE event_counts (
    scope TEXT NOT NULL,
    width BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    facet BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (scope, width, bucket, facet)
){{clustered}};

-- Which numbers the events of a stretch of time have; a stretch may hold others too, because clocks jump.
CREATE TABLE event_spans (
    width BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    PRIMARY KEY (width, bucket)
){{clustered}};

CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    url TEXT NOT NULL,
    description TEXT,
    secret {{blob}} NOT NULL,
    enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    failing_since BIGINT
);
CREATE INDEX webhooks_of_tenant ON webhooks (tenant_id, created_at, id);

-- What a webhook wants: an action, or the beginning of actions; the empty text is everything.
CREATE TABLE webhook_actions (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    prefix TEXT NOT NULL,
    PRIMARY KEY (webhook_id, prefix)
){{clustered}};

-- The outbox: what is to be sent, written by the transaction of the event.
CREATE TABLE webhook_deliveries (
    id {{rowid}},
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_seq BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_expires_at BIGINT,
    last_status BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX webhook_deliveries_by_event ON webhook_deliveries (webhook_id, event_seq);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    folded_name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT,
    disabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_login_at BIGINT
);
CREATE UNIQUE INDEX users_by_name ON users (folded_name);
CREATE INDEX users_of_tenant ON users (tenant_id, folded_name);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash {{blob}} NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    remote TEXT,
    user_agent TEXT
);
CREATE UNIQUE INDEX sessions_by_secret ON sessions (secret_hash);
CREATE INDEX sessions_of_user ON sessions (user_id, created_at);
CREATE INDEX sessions_expiring ON sessions (expires_at);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash {{blob}} NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    user_id TEXT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    source_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX tokens_by_secret ON tokens (secret_hash);
CREATE INDEX tokens_of_tenant ON tokens (tenant_id, created_at, id);

CREATE TABLE login_links (
    secret_hash {{blob}} NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE login_attempts (
    id {{rowid}},
    subject TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX login_attempts_of_subject ON login_attempts (subject, at);
CREATE INDEX login_attempts_in_order ON login_attempts (at);

CREATE TABLE idempotency_keys (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint {{blob}} NOT NULL,
    status BIGINT,
    answer TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
){{clustered}};
CREATE INDEX idempotency_keys_expiring ON idempotency_keys (expires_at);

CREATE TABLE plans (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    source_id TEXT NOT NULL REFERENCES sources (id),
    kind TEXT NOT NULL,
    state_serial BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX plans_expiring ON plans (expires_at);

CREATE TABLE workspace_groups (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX workspace_groups_by_name ON workspace_groups (tenant_id, name);

CREATE TABLE workspace_group_members (
    group_id TEXT NOT NULL REFERENCES workspace_groups (id) ON DELETE CASCADE,
    source_id TEXT NOT NULL REFERENCES sources (id),
    PRIMARY KEY (group_id, source_id)
){{clustered}};
