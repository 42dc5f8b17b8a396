//! A schema of its own on the PostgreSQL of the tests, and what happens to a database as a whole: backup and return.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use rand::RngExt;

use crate::services::postgres_url;

/// A schema that no other test uses. It is removed when this is dropped.
#[derive(Debug)]
pub struct PostgresSchema {
    user: String,
    password: String,
    address: SocketAddr,
    database: String,
    name: String,
}

impl PostgresSchema {
    /// Makes a schema; `None` when services are to be skipped.
    ///
    /// # Panics
    /// When there is no service and no permission to skip, or when it does not answer.
    pub fn create() -> Option<Self> {
        let url = postgres_url()?;
        let parts = || {
            let (user, place) = url.strip_prefix("postgres://")?.rsplit_once('@')?;
            let (user, password) = user.split_once(':')?;
            let (address, database) = place.split_once('/')?;
            Some((user, password, address.parse().ok()?, database))
        };
        let (user, password, address, database) = parts().expect(
            "the URL of the tests' PostgreSQL has the form postgres://user:password@ip:port/database",
        );
        let schema = Self {
            user: user.to_owned(),
            password: password.to_owned(),
            address,
            database: database.to_owned(),
            name: format!("test_{:016x}", rand::rng().random::<u64>()),
        };
        schema.run(&format!("CREATE SCHEMA {}", schema.name));
        Some(schema)
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of this schema.
    pub fn url(&self) -> String {
        self.url_through(self.address)
    }

    /// The URL of this schema by way of something that listens at `address` and passes everything on.
    pub fn url_through(&self, address: SocketAddr) -> String {
        let Self { user, password, database, name, .. } = self;
        format!("postgres://{user}:{password}@{address}/{database}?options=-csearch_path%3D{name}")
    }

    /// Everything in the schema, as the statements that make it again.
    pub fn dump(&self) -> String {
        let output = self.program("pg_dump").arg("--schema").arg(&self.name).output().expect("pg_dump runs");
        assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a dump is text")
    }

    /// Throws away what is in the schema and puts back what [`PostgresSchema::dump`] gave.
    pub fn put_back(&self, dump: &str) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.name));
        self.run(dump);
    }

    /// Runs statements in the schema, behind the back of whoever uses it.
    pub fn execute(&self, statements: &str) {
        self.run(&format!("SET search_path TO {}; {statements}", self.name));
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .args(["--host", &self.address.ip().to_string(), "--port", &self.address.port().to_string()])
            .args(["--username", &self.user, "--dbname", &self.database, "--no-password"])
            .env("PGPASSWORD", &self.password);
        command
    }

    fn try_run(&self, statements: &str) -> Result<(), String> {
        let mut child = self
            .program("psql")
            .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("psql does not run: {error}"))?;
        // psql that ends early is told by its status.
        let _ = child.stdin.take().expect("it is piped").write_all(statements.as_bytes());
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn run(&self, statements: &str) {
        if let Err(error) = self.try_run(statements) {
            panic!("psql: {error}");
        }
    }
}

impl Drop for PostgresSchema {
    fn drop(&mut self) {
        // The whole server is thrown away soon; a connection that still holds a lock is not worth waiting for.
        let _ =
            self.try_run(&format!("SET lock_timeout = '3s'; DROP SCHEMA IF EXISTS {} CASCADE", self.name));
    }
}
