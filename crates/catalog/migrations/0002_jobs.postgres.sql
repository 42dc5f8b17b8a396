-- Sealed bytes do not compress.
ALTER TABLE checkpoints ALTER COLUMN record SET STORAGE EXTERNAL;
ALTER TABLE checkpoints ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE channel_values ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE checkpoint_writes ALTER COLUMN body SET STORAGE EXTERNAL;

-- Events are counted once for each statement that appends them, because a busy server appends many with one.
DROP TRIGGER events_counted ON events;
CREATE OR REPLACE FUNCTION events_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_facets (facet, action, outcome) SELECT DISTINCT facet, action, outcome FROM added
    ON CONFLICT (facet) DO NOTHING;
    INSERT INTO event_counts (scope, width, bucket, facet, count)
    SELECT scope, width, CASE width WHEN 0 THEN 0 ELSE at / (width * 1000000) END AS bucket, facet, count(*)
    FROM (SELECT '*' AS scope, 0::bigint AS width, at, facet FROM added
          UNION ALL SELECT '*', 86400, at, facet FROM added
          UNION ALL SELECT 't/' || tenant_id, 0, at, facet FROM added
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
