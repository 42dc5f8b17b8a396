//! Whether the services that Backstay was told to use answer, and what they tell.

mod probe_postgres;
mod probe_s3;
