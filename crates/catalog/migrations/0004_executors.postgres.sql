-- Sealed bytes do not compress.
ALTER TABLE executors ALTER COLUMN record SET STORAGE EXTERNAL;
ALTER TABLE resumes ALTER COLUMN record SET STORAGE EXTERNAL;
