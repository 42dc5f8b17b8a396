-- Contents of jobs that lie in the repository, each under a root manifest of its own. holder tells whose: 1 the checkpoint, 2 the
-- channel value with this number. The row of one that was dropped stays until its manifest is removed from the repository.
CREATE TABLE stored_contents (
    manifest TEXT NOT NULL PRIMARY KEY,
    job BIGINT NOT NULL,
    holder BIGINT NOT NULL,
    number BIGINT NOT NULL,
    dropped BIGINT NOT NULL
){{clustered}};
CREATE INDEX stored_contents_of_row ON stored_contents (number, holder);
CREATE INDEX stored_contents_of_job ON stored_contents (job) WHERE dropped = 0;
CREATE INDEX stored_contents_dropped ON stored_contents (dropped, manifest) WHERE dropped = 1;
