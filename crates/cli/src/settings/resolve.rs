//! One value per key, from the first place that has one.

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use backstay_server::{ExposureRefused, check_exposure};

use super::file::FileSettings;
use super::origin::{Origin, Sourced};
use super::upgrades::UpgradeSettings;
use super::{JobRetention, LogFormat, ServerFlags};
use crate::args::Globals;
use crate::failure::Failure;

/// Looks up an environment variable; a parameter, so that tests need no real environment.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The server's whole configuration.
#[derive(Debug, Clone)]
pub(crate) struct ServerSettings {
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) data_directory: Sourced<PathBuf>,
    pub(crate) listen: Sourced<SocketAddr>,
    pub(crate) tls_certificate: Sourced<Option<PathBuf>>,
    pub(crate) tls_key: Sourced<Option<PathBuf>>,
    pub(crate) allow_insecure_listen: Sourced<bool>,
    pub(crate) public_url: Sourced<Option<String>>,
    pub(crate) database: Sourced<String>,
    pub(crate) repository: Sourced<String>,
    pub(crate) password_file: Sourced<Option<PathBuf>>,
    pub(crate) key_file: Sourced<Option<PathBuf>>,
    pub(crate) allowed_roots: Sourced<Vec<PathBuf>>,
    pub(crate) allow_commands: Sourced<bool>,
    pub(crate) allow_private_webhooks: Sourced<bool>,
    pub(crate) jobs_default_retention: Sourced<Option<JobRetention>>,
    pub(crate) trust_forwarded_for: Sourced<bool>,
    pub(crate) workers: Sourced<u16>,
    pub(crate) schedules: Sourced<bool>,
    pub(crate) log_format: Sourced<LogFormat>,
    pub(crate) log: Sourced<String>,
    pub(crate) upgrades: UpgradeSettings,
}

impl ServerSettings {
    /// Resolves every key.
    pub(crate) fn resolve(
        globals: &Globals,
        flags: &ServerFlags,
        env: Environment<'_>,
    ) -> Result<Self, Failure> {
        let config_file = find_file(flags, env)?;
        let file = config_file.as_deref().map(FileSettings::read).transpose()?.unwrap_or_default();
        let pick = Pick::new(env, config_file.as_deref());
        if let Some(url) = flags.database.as_deref().filter(|url| password_of(url).is_some()) {
            return Err(Failure::usage(format!("--database {} has a password in it", redacted(url)))
                .because("every user of this machine can read the flags of a process")
                .hint("put the URL into BACKSTAY_DATABASE or into the configuration file"));
        }

        let data_directory = pick.value(
            flags.data_directory.clone().map(|value| (value, "--data-directory")),
            "BACKSTAY_DATA_DIRECTORY",
            file.data_directory,
            || default_data_directory(env),
        )?;
        let database = pick.value(
            flags.database.clone().map(|value| (value, "--database")),
            "BACKSTAY_DATABASE",
            file.database,
            || format!("sqlite:{}", data_directory.value.join("catalog.db").display()),
        )?;
        let repository = pick.value(
            given(globals.repository.as_ref(), "--repository", "BACKSTAY_REPOSITORY", env),
            "BACKSTAY_REPOSITORY",
            file.repository,
            || data_directory.value.join("repository").display().to_string(),
        )?;
        let password_file = pick.optional(
            given(globals.password_file.as_ref(), "--password-file", "BACKSTAY_PASSWORD_FILE", env),
            "BACKSTAY_PASSWORD_FILE",
            file.password_file,
        )?;
        let mut key_file = pick.optional(
            given(globals.key_file.as_ref(), "--key-file", "BACKSTAY_KEY_FILE", env),
            "BACKSTAY_KEY_FILE",
            file.key_file,
        )?;
        if key_file.value.is_none() && password_file.value.is_none() && env("BACKSTAY_PASSWORD").is_none() {
            key_file = Sourced::new(Some(data_directory.value.join("key")), Origin::Default);
        }
        let allowed_roots = if flags.allowed_root.is_empty() {
            match env("BACKSTAY_ALLOWED_ROOTS").filter(|text| !text.is_empty()) {
                Some(text) => Sourced::new(
                    std::env::split_paths(&text).collect(),
                    Origin::Environment("BACKSTAY_ALLOWED_ROOTS"),
                ),
                None => match file.allowed_roots {
                    Some(roots) => Sourced::new(roots, pick.file_origin()),
                    None => Sourced::new(Vec::new(), Origin::Default),
                },
            }
        } else {
            Sourced::new(flags.allowed_root.clone(), Origin::Flag("--allowed-root"))
        };
        let settings = Self {
            listen: pick.value(
                flags.listen.map(|value| (value, "--listen")),
                "BACKSTAY_LISTEN",
                file.listen,
                || SocketAddr::from((Ipv4Addr::LOCALHOST, 8470)),
            )?,
            tls_certificate: pick.optional(
                flags.tls_certificate.clone().map(|value| (value, "--tls-certificate")),
                "BACKSTAY_TLS_CERTIFICATE",
                file.tls_certificate,
            )?,
            tls_key: pick.optional(
                flags.tls_key.clone().map(|value| (value, "--tls-key")),
                "BACKSTAY_TLS_KEY",
                file.tls_key,
            )?,
            allow_insecure_listen: pick.value(
                flags.allow_insecure_listen.then_some((true, "--allow-insecure-listen")),
                "BACKSTAY_ALLOW_INSECURE_LISTEN",
                file.allow_insecure_listen,
                || false,
            )?,
            public_url: pick.optional(
                flags.public_url.clone().map(|value| (value, "--public-url")),
                "BACKSTAY_PUBLIC_URL",
                file.public_url,
            )?,
            allow_commands: pick.value(
                flags.allow_commands.then_some((true, "--allow-commands")),
                "BACKSTAY_ALLOW_COMMANDS",
                file.allow_commands,
                || false,
            )?,
            allow_private_webhooks: pick.value(
                flags.allow_private_webhooks.then_some((true, "--allow-private-webhooks")),
                "BACKSTAY_ALLOW_PRIVATE_WEBHOOKS",
                file.allow_private_webhooks,
                || false,
            )?,
            jobs_default_retention: pick.optional(
                flags.jobs_default_retention.clone().map(|value| (value, "--jobs-default-retention")),
                "BACKSTAY_JOBS_DEFAULT_RETENTION",
                file.jobs.and_then(|jobs| jobs.default_retention),
            )?,
            trust_forwarded_for: pick.value(
                flags.trust_forwarded_for.then_some((true, "--trust-forwarded-for")),
                "BACKSTAY_TRUST_FORWARDED_FOR",
                file.trust_forwarded_for,
                || false,
            )?,
            workers: pick.value(
                flags.workers.map(|value| (value, "--workers")),
                "BACKSTAY_WORKERS",
                file.workers,
                || 2,
            )?,
            schedules: pick.value(
                flags.no_schedules.then_some((false, "--no-schedules")),
                "BACKSTAY_SCHEDULES",
                file.schedules,
                || true,
            )?,
            log_format: pick.value(
                flags.log_format.map(|value| (value, "--log-format")),
                "BACKSTAY_LOG_FORMAT",
                file.log_format,
                || LogFormat::Text,
            )?,
            log: pick.value(
                flags.log.clone().map(|value| (value, "--log")),
                "BACKSTAY_LOG",
                file.log,
                || "info".to_owned(),
            )?,
            upgrades: UpgradeSettings::resolve(&pick, file.upgrade, file.undo)?,
            config_file,
            data_directory,
            database,
            repository,
            password_file,
            key_file,
            allowed_roots,
        };
        settings.check()
    }

    fn check(self) -> Result<Self, Failure> {
        let (tls_certificate, tls_key) = (&self.tls_certificate.value, &self.tls_key.value);
        if tls_certificate.is_some() != tls_key.is_some() {
            let (given, missing) = if tls_key.is_some() {
                ("tls_key", "tls_certificate")
            } else {
                ("tls_certificate", "tls_key")
            };
            return Err(Failure::usage(format!("{given} is given without {missing}"))
                .hint("TLS takes the certificate and its private key"));
        }
        check_exposure(self.listen.value, tls_key.is_some(), self.allow_insecure_listen.value).map_err(
            |refused| {
                Failure::usage(refused.to_string())
                    .because(ExposureRefused::REASON)
                    .hint(ExposureRefused::HINT)
            },
        )?;
        if self.workers.value == 0 {
            return Err(Failure::usage("workers is 0, so no task would ever run"));
        }
        Ok(self)
    }

    /// The address that people use: the public one, else the one that is listened on.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls_key.value.is_some() { "https" } else { "http" };
        let listened = || format!("{scheme}://{}", self.listen.value);
        let url = self.public_url.value.clone().unwrap_or_else(listened);
        url.trim_end_matches('/').to_owned()
    }

    /// Every key with its value as text and its origin; passwords are left out.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String, String)> {
        fn row<T>(
            key: &'static str,
            sourced: &Sourced<T>,
            text: impl FnOnce(&T) -> String,
        ) -> (&'static str, String, String) {
            (key, text(&sourced.value), sourced.origin.to_string())
        }
        #[expect(clippy::ref_option, reason = "the value of a setting as it is kept")]
        fn path(path: &Option<PathBuf>) -> String {
            path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
        }
        vec![
            row("data_directory", &self.data_directory, |value| value.display().to_string()),
            row("listen", &self.listen, SocketAddr::to_string),
            row("tls_certificate", &self.tls_certificate, path),
            row("tls_key", &self.tls_key, path),
            row("allow_insecure_listen", &self.allow_insecure_listen, bool::to_string),
            row("public_url", &self.public_url, |value| value.clone().unwrap_or_default()),
            row("database", &self.database, |value| redacted(value)),
            row("repository", &self.repository, String::clone),
            row("password_file", &self.password_file, path),
            row("key_file", &self.key_file, path),
            row("allowed_roots", &self.allowed_roots, |roots| {
                roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(":")
            }),
            row("allow_commands", &self.allow_commands, bool::to_string),
            row("allow_private_webhooks", &self.allow_private_webhooks, bool::to_string),
            row("jobs.default_retention", &self.jobs_default_retention, |policy| {
                policy.as_ref().map(JobRetention::to_string).unwrap_or_default()
            }),
            row("trust_forwarded_for", &self.trust_forwarded_for, bool::to_string),
            row("workers", &self.workers, u16::to_string),
            row("schedules", &self.schedules, bool::to_string),
            row("log_format", &self.log_format, LogFormat::to_string),
            row("log", &self.log, String::clone),
            row("upgrade.auto_cleanup", &self.upgrades.auto_cleanup, bool::to_string),
            row("upgrade.keep", &self.upgrades.keep, u32::to_string),
            row("undo.keep", &self.upgrades.undo_keep, u32::to_string),
        ]
    }
}

/// Picks values from the environment, the file at a path, and defaults.
pub(super) struct Pick<'a> {
    env: Environment<'a>,
    file: Option<&'a Path>,
}

impl<'a> Pick<'a> {
    pub(super) const fn new(env: Environment<'a>, file: Option<&'a Path>) -> Self {
        Self { env, file }
    }

    fn file_origin(&self) -> Origin {
        Origin::File(self.file.map(Path::to_path_buf).unwrap_or_default())
    }

    fn optional<T: FromStr<Err: Display>>(
        &self,
        flag: Option<(T, &'static str)>,
        variable: &'static str,
        file: Option<T>,
    ) -> Result<Sourced<Option<T>>, Failure> {
        if let Some((value, name)) = flag {
            return Ok(Sourced::new(Some(value), Origin::Flag(name)));
        }
        if let Some(text) = (self.env)(variable).filter(|text| !text.is_empty()) {
            let value = text.parse().map_err(|error| {
                Failure::usage(format!("the environment variable {variable} is not valid"))
                    .because(format!("{error}"))
            })?;
            return Ok(Sourced::new(Some(value), Origin::Environment(variable)));
        }
        Ok(match file {
            Some(value) => Sourced::new(Some(value), self.file_origin()),
            None => Sourced::new(None, Origin::Default),
        })
    }

    pub(super) fn value<T: FromStr<Err: Display>>(
        &self,
        flag: Option<(T, &'static str)>,
        variable: &'static str,
        file: Option<T>,
        default: impl FnOnce() -> T,
    ) -> Result<Sourced<T>, Failure> {
        let Sourced { value, origin } = self.optional(flag, variable, file)?;
        Ok(Sourced { value: value.unwrap_or_else(default), origin })
    }
}

/// A global option that clap read from the flag or from the environment: only the flag counts here.
fn given<T: Clone + AsRef<std::ffi::OsStr>>(
    value: Option<&T>,
    flag: &'static str,
    variable: &str,
    env: Environment<'_>,
) -> Option<(T, &'static str)> {
    let value = value?;
    let same = env(variable).is_some_and(|text| std::ffi::OsStr::new(&text) == value.as_ref());
    (!same).then(|| (value.clone(), flag))
}

fn find_file(flags: &ServerFlags, env: Environment<'_>) -> Result<Option<PathBuf>, Failure> {
    if let Some(path) = flags.config.clone().or_else(|| env("BACKSTAY_CONFIG").map(PathBuf::from)) {
        if !path.is_file() {
            return Err(Failure::usage(format!("there is no configuration file {}", path.display()))
                .hint("check --config and BACKSTAY_CONFIG; without them the server needs no file"));
        }
        return Ok(Some(path));
    }
    Ok([personal_file(env), Some(PathBuf::from("/etc/backstay/config.toml"))]
        .into_iter()
        .flatten()
        .find(|path| path.is_file()))
}

/// Where a person's own configuration file is, or would be.
pub(super) fn personal_file(env: Environment<'_>) -> Option<PathBuf> {
    base_directory(env, "XDG_CONFIG_HOME", ".config").map(|base| base.join("backstay/config.toml"))
}

fn default_data_directory(env: Environment<'_>) -> PathBuf {
    base_directory(env, "XDG_DATA_HOME", ".local/share")
        .map_or_else(|| PathBuf::from("/var/lib/backstay"), |base| base.join("backstay"))
}

/// Where the hooks that this user trusts are noted: in a directory of the user, outside of every workspace.
pub(crate) fn trust_directory(env: Environment<'_>) -> Option<PathBuf> {
    base_directory(env, "XDG_DATA_HOME", ".local/share").map(|base| base.join("backstay/trust"))
}

fn base_directory(env: Environment<'_>, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |text: String| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
    env(variable)
        .and_then(absolute)
        .or_else(|| env("HOME").and_then(absolute).map(|home| home.join(below_home)))
}

/// The password in `scheme://user:password@host/…`, as a range of bytes.
fn password_of(url: &str) -> Option<std::ops::Range<usize>> {
    let start = url.find("://")? + 3;
    let authority = url[start..].find(['/', '?']).map_or(url.len(), |length| start + length);
    let at = start + url[start..authority].rfind('@')?;
    let colon = start + url[start..at].find(':')?;
    Some(colon + 1..at)
}

fn redacted(url: &str) -> String {
    match password_of(url) {
        Some(range) => format!("{}***{}", &url[..range.start], &url[range.end..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn resolve(arguments: &[&str], variables: &[(&str, &str)]) -> Result<ServerSettings, Failure> {
        let arguments = ["backstay", "serve"].iter().chain(arguments);
        let Cli { globals, command: Command::Serve(serve) } = Cli::try_parse_from(arguments).unwrap() else {
            panic!("not serve");
        };
        let env =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        ServerSettings::resolve(&globals, &serve.flags, &env)
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("c.toml");
        std::fs::write(&file, "workers = 7\nlisten = '127.0.0.1:1'\ndata_directory = '/d'\n").unwrap();
        let file = file.to_str().unwrap();
        let variables =
            [("BACKSTAY_CONFIG", file), ("BACKSTAY_LISTEN", "127.0.0.1:2"), ("BACKSTAY_WORKERS", "8")];
        let settings = resolve(&["--workers", "9"], &variables).unwrap();
        assert_eq!(settings.workers, Sourced::new(9, Origin::Flag("--workers")));
        assert_eq!(settings.listen.value.port(), 2);
        assert_eq!(settings.listen.origin, Origin::Environment("BACKSTAY_LISTEN"));
        assert_eq!(settings.data_directory, Sourced::new("/d".into(), Origin::File(file.into())));
        assert_eq!(settings.log.origin, Origin::Default);
        assert_eq!(settings.database.value, "sqlite:/d/catalog.db");
    }

    #[test]
    fn the_policy_of_jobs_comes_from_the_file_too() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("c.toml");
        std::fs::write(&file, "[jobs]\ndefault_retention = { keep_last = 50 }\n").unwrap();
        let arguments = ["--config", file.to_str().unwrap()];
        let settings = resolve(&arguments, &[]).unwrap();
        assert_eq!(settings.jobs_default_retention.value.unwrap().0.keep_last, Some(50));
        let variable = [("BACKSTAY_JOBS_DEFAULT_RETENTION", r#"{"keep_last":7}"#)];
        let settings = resolve(&arguments, &variable).unwrap();
        assert_eq!(settings.jobs_default_retention.value.unwrap().0.keep_last, Some(7));
        std::fs::write(&file, "[jobs]\ndefault_retention = { keep_last = 0 }\n").unwrap();
        assert_eq!(resolve(&arguments, &[]).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn an_unknown_key_in_the_file_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("c.toml");
        std::fs::write(&file, "workerz = 7\n").unwrap();
        let failure = resolve(&["--config", file.to_str().unwrap()], &[]).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.lines().iter().any(|(_, text)| text.contains("workerz")));
    }

    #[test]
    fn only_loopback_without_an_explicit_word() {
        assert_eq!(resolve(&["--listen", "0.0.0.0:1"], &[]).unwrap_err().exit_code(), 2);
        assert!(resolve(&["--listen", "0.0.0.0:1", "--allow-insecure-listen"], &[]).is_ok());
        assert!(resolve(&["--listen", "[::1]:1"], &[]).is_ok());
        let tls = ["--listen", "0.0.0.0:1", "--tls-certificate", "c", "--tls-key", "k"];
        assert_eq!(resolve(&tls, &[]).unwrap().url(), "https://0.0.0.0:1");
        assert_eq!(resolve(&tls[..4], &[]).unwrap_err().exit_code(), 2, "a certificate without its key");
        assert_eq!(resolve(&[], &[]).unwrap().url(), "http://127.0.0.1:8470");
    }

    #[test]
    fn a_database_password_is_refused_on_the_command_line_and_never_shown() {
        let url = "postgres://anna:s3cret@db/backstay";
        let failure = resolve(&["--database", url], &[]).unwrap_err();
        assert!(!failure.to_string().contains("s3cret"));
        let settings = resolve(&[], &[("BACKSTAY_DATABASE", url)]).unwrap();
        assert_eq!(settings.database.value, url);
        let (_, shown, _) = settings.rows().into_iter().find(|(key, ..)| *key == "database").unwrap();
        assert_eq!(shown, "postgres://anna:***@db/backstay");
    }
}
