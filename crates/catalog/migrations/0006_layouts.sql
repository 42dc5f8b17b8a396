-- Layouts of dashboards: what a person looks at, by name. The body is JSON that only dashboards understand.
CREATE TABLE layouts (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    body TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
