//! Where an administrator's command works: on a server over its API, on a server's data directory, or on the workspace.

use backstay_client::Client;
use backstay_model::{Caller, ErrorKind};
use backstay_service::{RepositoryPlace, ServerOptions, Service, Settings};
use jiff::tz::TimeZone;

use super::opening::{self, Create};
use super::remote;
use super::store::Location;
use crate::context::Context;
use crate::failure::Failure;
use crate::secrets::CredentialSources;
use crate::settings::{ServerFlags, ServerSettings};

/// Where an administrator's command works.
pub(crate) enum Admin {
    /// Over the API.
    Remote(Client),
    /// Directly.
    Direct(Service, Caller),
}

impl Admin {
    /// Opens the server that `--server` names, else the data directory.
    pub(crate) async fn server(cx: &Context, flags: &ServerFlags) -> Result<Self, Failure> {
        if let Some(url) = &cx.globals.server {
            return Ok(Self::Remote(remote::select::client(cx, url)?));
        }
        let settings = settings(cx, flags)?;
        if !settings.data_directory.value.is_dir() {
            return Err(Failure::new(
                ErrorKind::NotFound,
                format!("there is no data directory {}", settings.data_directory.value.display()),
            )
            .hint(
                "`backstay serve` creates it; --data-directory names another; --server works over the API",
            ));
        }
        Ok(Self::Direct(service(cx, &settings).await?, opening::caller()))
    }

    /// Opens the server that `--server` names, else the data directory when one is named, else the workspace.
    pub(crate) async fn log(cx: &Context, flags: &ServerFlags) -> Result<Self, Failure> {
        if cx.globals.server.is_some() || flags.data_directory.is_some() || flags.config.is_some() {
            return Self::server(cx, flags).await;
        }
        let workspace = cx.workspace()?;
        match opening::service(cx, &workspace.root, Create::Never).await? {
            Some(service) => Ok(Self::Direct(service, opening::caller())),
            None => Err(Failure::new(
                ErrorKind::NotFound,
                format!("nothing was saved in {} yet", workspace.root.display()),
            )
            .hint("--data-directory names a server's data, --server a server")),
        }
    }
}

/// The configuration that flags, environment and file give.
pub(crate) fn settings(cx: &Context, flags: &ServerFlags) -> Result<ServerSettings, Failure> {
    ServerSettings::resolve(&cx.globals, flags, &|name| std::env::var(name).ok())
}

/// Opens the service of a server.
pub(crate) async fn service(cx: &Context, settings: &ServerSettings) -> Result<Service, Failure> {
    let options = ServerOptions {
        data_directory: settings.data_directory.value.clone(),
        catalog: settings.database.is_given().then(|| settings.database.value.clone()),
        repository: place(cx, settings)?,
        clock: cx.clock.clone(),
        rng: cx.rng.clone(),
        settings: settings.upgrades.apply(Settings {
            host: opening::host(),
            allowed_roots: Some(settings.allowed_roots.value.clone()),
            time_zone: TimeZone::system(),
            supervisor: Some(std::sync::Arc::new(crate::supervise::supervisor())),
            allow_commands: settings.allow_commands.value,
            webhooks_to_private_addresses: settings.allow_private_webhooks.value,
            job_retention: settings.jobs_default_retention.value.clone().map(|policy| policy.0),
            trust_directory: crate::settings::trust_directory(&|name| std::env::var(name).ok()),
            ..Settings::default()
        }),
    };
    Ok(Service::open(options).await?)
}

/// The repository elsewhere, when the configuration names one; a server asks nobody for a password.
fn place(cx: &Context, settings: &ServerSettings) -> Result<Option<RepositoryPlace>, Failure> {
    if !settings.repository.is_given() && !settings.key_file.is_given() && !settings.password_file.is_given()
    {
        return Ok(None);
    }
    let location = Location::parse(&settings.repository.value, &cx.directory()?)?;
    let store = location.open()?;
    let shown = location.to_string();
    let (password_file, key_file) = (settings.password_file.value.clone(), settings.key_file.value.clone());
    #[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
    let credential = move || {
        let sources = CredentialSources {
            password_file: password_file.as_deref(),
            key_file: if password_file.is_some() { None } else { key_file.as_deref() },
            variable: Some("BACKSTAY_PASSWORD"),
            own_key: None,
        };
        match sources.silently() {
            Ok(Some(credential)) => Ok(credential),
            Ok(None) => Err(Failure::usage(format!("there is no password or key for {shown}"))),
            Err(failure) => Err(failure),
        }
        .map_err(|failure| opening::as_service_error(&failure))
    };
    Ok(Some(RepositoryPlace { store, credential: std::sync::Arc::new(credential), create: false }))
}
