//! Trusts the hooks of the workspace that the command stands in.

use backstay_model::SourceId;
use backstay_service::Service;
use backstay_service::view::HookTrust;

use super::opening;
use crate::context::Context;
use crate::failure::Failure;

/// What the workspace declares, and whether it is trusted.
pub(crate) async fn show(cx: &Context) -> Result<HookTrust, Failure> {
    let (service, source) = opened(cx).await?;
    Ok(service.show_hooks(&opening::caller(), &source).await?)
}

/// Trusts the present text.
pub(crate) async fn trust(cx: &Context) -> Result<HookTrust, Failure> {
    let (service, source) = opened(cx).await?;
    Ok(service.trust_hooks(&opening::caller(), &source).await?)
}

/// Trusts nothing any more. Returns whether something was trusted.
pub(crate) async fn revoke(cx: &Context) -> Result<bool, Failure> {
    let (service, source) = opened(cx).await?;
    Ok(service.revoke_hooks(&opening::caller(), &source).await?)
}

/// Trust is an event, so there has to be a catalog for it.
async fn opened(cx: &Context) -> Result<(Service, SourceId), Failure> {
    let workspace = cx.workspace()?;
    let service = opening::service_created(cx, &workspace.root).await?;
    let name = opening::workspace_name(&workspace.root);
    let source = service.ensure_workspace(&opening::caller(), &workspace.root, &name).await?;
    Ok((service, source.id))
}
