-- Sealed bytes do not compress.
ALTER TABLE executions ALTER COLUMN record SET STORAGE EXTERNAL;
ALTER TABLE execution_steps ALTER COLUMN record SET STORAGE EXTERNAL;
ALTER TABLE execution_steps ALTER COLUMN outcome SET STORAGE EXTERNAL;
