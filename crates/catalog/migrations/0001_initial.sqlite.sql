INSERT INTO event_head (id, seq, hash) VALUES (1, 0, zeroblob(32));

CREATE VIRTUAL TABLE snapshot_text USING fts5 (
    body, content = '', contentless_delete = 1, detail = 'none', tokenize = 'ascii'
);
CREATE VIRTUAL TABLE event_text USING fts5 (
    body, content = '', detail = 'none', columnsize = 0, tokenize = 'ascii'
);

CREATE TRIGGER snapshots_counted AFTER INSERT ON snapshots BEGIN
    INSERT INTO snapshot_counts (scope, width, bucket, facet, count, logical_bytes, added_bytes, stored_bytes)
    SELECT scope, width, CASE width WHEN 0 THEN 0 ELSE new.created_at / (width * 1000000) END, new.facet, 1,
           new.logical_bytes, new.added_bytes, new.stored_bytes
    FROM (SELECT '*' AS scope, 3600 AS finest UNION ALL SELECT 't/' || new.tenant_id, 3600
          UNION ALL SELECT 's/' || new.source_id, 86400) AS scopes
         JOIN (SELECT 0 AS width UNION ALL SELECT 2592000 UNION ALL SELECT 86400 UNION ALL SELECT 3600) AS widths
             ON width = 0 OR width >= finest
    WHERE true
    ON CONFLICT (scope, width, bucket, facet) DO UPDATE SET
        count = snapshot_counts.count + excluded.count,
        logical_bytes = snapshot_counts.logical_bytes + excluded.logical_bytes,
        added_bytes = snapshot_counts.added_bytes + excluded.added_bytes,
        stored_bytes = snapshot_counts.stored_bytes + excluded.stored_bytes;
END;

CREATE TRIGGER snapshots_recounted AFTER UPDATE OF facet, logical_bytes, added_bytes, stored_bytes ON snapshots BEGIN
    INSERT INTO snapshot_counts (scope, width, bucket, facet, count, logical_bytes, added_bytes, stored_bytes)
    SELECT scope, width, CASE width WHEN 0 THEN 0 ELSE new.created_at / (width * 1000000) END, facet, count,
           logical_bytes, added_bytes, stored_bytes
    FROM (SELECT '*' AS scope, 3600 AS finest UNION ALL SELECT 't/' || new.tenant_id, 3600
          UNION ALL SELECT 's/' || new.source_id, 86400) AS scopes
         JOIN (SELECT 0 AS width UNION ALL SELECT 2592000 UNION ALL SELECT 86400 UNION ALL SELECT 3600) AS widths
             ON width = 0 OR width >= finest
         CROSS JOIN (SELECT old.facet AS facet, -1 AS count, -old.logical_bytes AS logical_bytes,
                 -old.added_bytes AS added_bytes, -old.stored_bytes AS stored_bytes
          UNION ALL
          SELECT new.facet, 1, new.logical_bytes, new.added_bytes, new.stored_bytes) AS changes
    WHERE true
    ON CONFLICT (scope, width, bucket, facet) DO UPDATE SET
        count = snapshot_counts.count + excluded.count,
        logical_bytes = snapshot_counts.logical_bytes + excluded.logical_bytes,
        added_bytes = snapshot_counts.added_bytes + excluded.added_bytes,
        stored_bytes = snapshot_counts.stored_bytes + excluded.stored_bytes;
END;

CREATE TRIGGER snapshots_stay BEFORE DELETE ON snapshots BEGIN
    SELECT RAISE(ABORT, 'a snapshot leaves a tombstone, its row is never removed');
END;

CREATE TRIGGER events_counted AFTER INSERT ON events BEGIN
    INSERT INTO event_facets (facet, action, outcome) VALUES (new.facet, new.action, new.outcome)
    ON CONFLICT (facet) DO NOTHING;
    INSERT INTO event_counts (scope, width, bucket, facet, count)
    SELECT scope, width, CASE width WHEN 0 THEN 0 ELSE new.at / (width * 1000000) END, new.facet, 1
    FROM (SELECT '*' AS scope, 0 AS width UNION ALL SELECT '*', 2592000 UNION ALL SELECT '*', 86400
          UNION ALL SELECT 't/' || new.tenant_id, 0 UNION ALL SELECT 't/' || new.tenant_id, 2592000
          UNION ALL SELECT 't/' || new.tenant_id, 86400
          UNION ALL SELECT 'a/' || new.tenant_id || '/' || new.actor_id, 0
          UNION ALL SELECT 's/' || new.tenant_id || '/' || new.source_id, 0 WHERE new.source_id IS NOT NULL) AS scopes
    WHERE true
    ON CONFLICT (scope, width, bucket, facet) DO UPDATE SET count = event_counts.count + 1;
    INSERT INTO event_spans (width, bucket, first_seq, last_seq)
    SELECT width, new.at / (width * 1000000), new.seq, new.seq
    FROM (SELECT 86400 AS width UNION ALL SELECT 3600) AS widths
    WHERE true
    ON CONFLICT (width, bucket) DO UPDATE SET last_seq = excluded.last_seq;
END;

CREATE TRIGGER events_unchanged BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'the event log is only ever appended to');
END;

CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'the event log is only ever appended to');
END;
