INSERT INTO event_head (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

CREATE TABLE snapshot_text (
    created_at BIGINT NOT NULL PRIMARY KEY,
    body tsvector NOT NULL
);
CREATE INDEX snapshot_text_words ON snapshot_text USING gin (body);
CREATE TABLE event_text (
    seq BIGINT NOT NULL PRIMARY KEY,
    body tsvector NOT NULL
);
CREATE INDEX event_text_words ON event_text USING gin (body);

CREATE FUNCTION snapshots_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO snapshot_counts (scope, width, bucket, facet, count, logical_bytes, added_bytes, stored_bytes)
        SELECT scope, width, CASE width WHEN 0 THEN 0 ELSE old.created_at / (width * 1000000) END, old.facet, -1,
               -old.logical_bytes, -old.added_bytes, -old.stored_bytes
        FROM (VALUES ('*', 3600), ('t/' || old.tenant_id, 3600), ('s/' || old.source_id, 86400)) AS scopes (scope, finest)
             JOIN (VALUES (0::bigint), (2592000), (86400), (3600)) AS widths (width) ON width = 0 OR width >= finest
        ON CONFLICT (scope, width, bucket, facet) DO UPDATE SET
            count = snapshot_counts.count + excluded.count,
            logical_bytes = snapshot_counts.logical_bytes + excluded.logical_bytes,
            added_bytes = snapshot_counts.added_bytes + excluded.added_bytes,
            stored_bytes = snapshot_counts.stored_bytes + excluded.stored_bytes;
    END IF;
    INSERT INTO snapshot_counts (scope, width, bucket, facet, count, logical_bytes, added_bytes, stored_bytes)
    SELECT scope, width, CASE width WHEN 0 THEN 0 ELSE new.created_at / (width * 1000000) END, new.facet, 1,
           new.logical_bytes, new.added_bytes, new.stored_bytes
    FROM (VALUES ('*', 3600), ('t/' || new.tenant_id, 3600), ('s/' || new.source_id, 86400)) AS scopes (scope, finest)
         JOIN (VALUES (0::bigint), (2592000), (86400), (3600)) AS widths (width) ON width = 0 OR width >= finest
    ON CONFLICT (scope, width, bucket, facet) DO UPDATE SET
        count = snapshot_counts.count + excluded.count,
        logical_bytes = snapshot_counts.logical_bytes + excluded.logical_bytes,
        added_bytes = snapshot_counts.added_bytes + excluded.added_bytes,
        stored_bytes = snapshot_counts.stored_bytes + excluded.stored_bytes;
    RETURN NULL;
END $$;
CREATE TRIGGER snapshots_counted AFTER INSERT ON snapshots
    FOR EACH ROW EXECUTE FUNCTION snapshots_counted();
CREATE TRIGGER snapshots_recounted AFTER UPDATE OF facet, logical_bytes, added_bytes, stored_bytes ON snapshots
    FOR EACH ROW EXECUTE FUNCTION snapshots_counted();

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME;
END $$;
CREATE TRIGGER snapshots_stay BEFORE DELETE ON snapshots FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER events_unchanged BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER events_stay BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse();

-- Events are counted once for each statement that appends them, because a busy server appends many with one.
CREATE FUNCTION events_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_facets (facet, action, outcome) SELECT DISTINCT facet, action, outcome FROM added
    ON CONFLICT (facet) DO NOTHING;
    INSERT INTO event_counts (scope, width, bucket, facet, count)
    SELECT scope, width, CASE width WHEN 0 THEN 0 ELSE at / (width * 1000000) END AS bucket, facet, count(*)
    FROM (SELECT '*' AS scope, 0::bigint AS width, at, facet FROM added
          UNION ALL SELECT '*', 2592000, at, facet FROM added
          UNION ALL SELECT '*', 86400, at, facet FROM added
          UNION ALL SELECT 't/' || tenant_id, 0, at, facet FROM added
          UNION ALL SELECT 't/' || tenant_id, 2592000, at, facet FROM added
          UNION ALL SELECT 't/' || tenant_id, 86400, at, facet FROM added
          UNION ALL SELECT 'a/' || tenant_id || '/' || actor_id, 0, at, facet FROM added
          UNION ALL SELECT 's/' || tenant_id || '/' || source_id, 0, at, facet FROM added
                    WHERE source_id IS NOT NULL) AS scopes
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (scope, width, bucket, facet) DO UPDATE SET count = event_counts.count + excluded.count;
    INSERT INTO event_spans (width, bucket, first_seq, last_seq)
    SELECT width, at / (width * 1000000), min(seq), max(seq)
    FROM added CROSS JOIN (VALUES (86400::bigint), (3600)) AS widths (width)
    GROUP BY 1, 2
    ON CONFLICT (width, bucket) DO UPDATE SET last_seq = excluded.last_seq;
    RETURN NULL;
END $$;
CREATE TRIGGER events_counted AFTER INSERT ON events REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION events_counted();
