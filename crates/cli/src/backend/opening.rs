//! Opens the service of a workspace or of a server's data directory, with the wall clock and the system's randomness.

use std::path::Path;
use std::sync::Arc;

use backstay_model::{Caller, ErrorKind};
use backstay_service::{LocalOptions, RepositoryPlace, Service, ServiceError, Settings};
use jiff::tz::TimeZone;

use super::store::Location;
use crate::context::Context;
use crate::failure::Failure;
use crate::secrets::CredentialSources;
use crate::settings::{UpgradeSettings, trust_directory};

/// Whether what is missing is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Create {
    /// A workspace in which nothing was ever saved is none.
    Never,
    /// `.backstay` and what is in it come to be.
    Missing,
}

/// The person at the command line.
pub(crate) fn caller() -> Caller {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
    let user =
        user.filter(|name| !name.is_empty() && name.len() <= 100 && !name.chars().any(char::is_control));
    Service::local_caller(&user.unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw())))
}

/// The name of this machine.
pub(crate) fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    if name.is_empty() { "localhost".to_owned() } else { name.into_owned() }
}

/// The service of the workspace at `root`; `None` when nothing was ever saved there and nothing is to be created.
pub(crate) async fn service(cx: &Context, root: &Path, create: Create) -> Result<Option<Service>, Failure> {
    if create == Create::Never && !root.join(crate::discover::OWN_DIRECTORY).is_dir() {
        return Ok(None);
    }
    let env = |name: &str| std::env::var(name).ok();
    let options = LocalOptions {
        root: root.to_path_buf(),
        create: create == Create::Missing,
        repository: place(cx)?,
        clock: cx.clock.clone(),
        rng: cx.rng.clone(),
        settings: UpgradeSettings::of_person(&env)?.apply(Settings {
            host: host(),
            allowed_roots: None,
            time_zone: TimeZone::system(),
            supervisor: Some(Arc::new(crate::supervise::supervisor())),
            allow_commands: true,
            trust_directory: trust_directory(&env),
            ..Settings::default()
        }),
    };
    match Service::open_local(options).await {
        Ok(service) => Ok(Some(service)),
        Err(error) if create == Create::Never && error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The service of the workspace at `root`, created when missing.
pub(crate) async fn service_created(cx: &Context, root: &Path) -> Result<Service, Failure> {
    service(cx, root, Create::Missing).await?.ok_or_else(|| {
        Failure::new(ErrorKind::Internal, format!("the workspace {} was not created", root.display()))
    })
}

/// The repository elsewhere that `--repository` names.
fn place(cx: &Context) -> Result<Option<RepositoryPlace>, Failure> {
    let Some(text) = &cx.globals.repository else { return Ok(None) };
    let location = Location::parse(text, &cx.directory()?)?;
    let store = location.open()?;
    let shown = location.to_string();
    let (password_file, key_file) = (cx.globals.password_file.clone(), cx.globals.key_file.clone());
    #[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
    let credential = move || {
        let sources = CredentialSources {
            password_file: password_file.as_deref(),
            key_file: key_file.as_deref(),
            variable: Some("BACKSTAY_PASSWORD"),
            own_key: None,
        };
        sources.find(&shown).map_err(|failure| as_service_error(&failure))
    };
    Ok(Some(RepositoryPlace { store, credential: Arc::new(credential), create: false }))
}

/// A failure to find a credential, for a layer that takes errors of its own kind.
pub(crate) fn as_service_error(failure: &Failure) -> ServiceError {
    ServiceError::new(ErrorKind::Invalid, failure.to_string())
        .hint("give --password-file or --key-file, or set BACKSTAY_PASSWORD")
}

/// A name for the workspace at `root`: that of the directory, as far as its characters are allowed.
pub(crate) fn workspace_name(root: &Path) -> String {
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-') { c } else { '-' })
        .take(100)
        .collect();
    if name.trim().is_empty() { "workspace".to_owned() } else { name.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_name_becomes_an_allowed_name() {
        assert_eq!(workspace_name(Path::new("/a/My project_1.2")), "My project_1.2");
        assert_eq!(workspace_name(Path::new("/a/grün\n")), "gr-n-");
        assert_eq!(workspace_name(Path::new("/")), "workspace");
        assert_eq!(workspace_name(Path::new(&format!("/{}", "x".repeat(255)))).len(), 100);
    }
}
