//! The workspace of a directory, registered when it is not yet.

use std::path::Path;

use backstay_catalog::SourceRow;
use backstay_model::{Action, Caller, Kind, Subject};

use super::view;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Source;

/// How many names are tried.
const MOST_NAMES: u32 = 1000;

impl Service {
    /// Finds the workspace whose root is `root`, or registers it under `name`, changed as far as needed to be a free name. For
    /// the command line: `root` must be resolved.
    pub async fn ensure_workspace(&self, caller: &Caller, root: &Path, name: &str) -> Result<Source> {
        if let Some(found) = self.find_workspace(caller, root).await? {
            return Ok(found);
        }
        let subject = Subject::new("source", name);
        self.permit(caller, Some(Kind::Workspace), Action::ManageSources, &subject).await?;
        let root = text_of(root)?;
        let base = usable_name(name);
        for number in 1..=MOST_NAMES {
            let name = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            match self.add_workspace(caller, &name, root, None).await {
                Ok(row) => return view(row),
                Err(error) if error.code == Some("name_taken") => {}
                // Another process was faster.
                Err(error) if error.code == Some("root_taken") => break,
                Err(error) => return Err(error),
            }
        }
        self.workspace_at(root).await?.map_or_else(
            || Err(ServiceError::conflict(format!("No free name like `{base}` was found"))),
            view,
        )
    }

    /// Finds the workspace whose root is `root`; `None` when nothing was ever saved there.
    pub async fn find_workspace(&self, caller: &Caller, root: &Path) -> Result<Option<Source>> {
        let Some(row) = self.workspace_at(text_of(root)?).await?.filter(|row| caller.sees(&row.tenant))
        else {
            return Ok(None);
        };
        self.permit(caller, Some(row.kind), Action::View, &Subject::new("source", &row.id)).await?;
        view(row).map(Some)
    }

    async fn workspace_at(&self, root: &str) -> Result<Option<SourceRow>> {
        Ok(self.read().await?.source_at(&self.settings().host, root).await?)
    }
}

fn text_of(root: &Path) -> Result<&str> {
    root.to_str().ok_or_else(|| ServiceError::invalid("root", "its path is not UTF-8"))
}

/// `name` with every character that a name cannot have replaced.
fn usable_name(name: &str) -> String {
    let usable = |c: char| if c.is_ascii_alphanumeric() || " ._-".contains(c) { c } else { '-' };
    let name: String = name.chars().take(90).map(usable).collect();
    if name.chars().all(|c| " .-".contains(c)) { "workspace".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_directory_name_gives_a_usable_name() {
        assert_eq!(usable_name("my work"), "my work");
        assert_eq!(usable_name("größe\n"), "gr--e-");
        assert_eq!(usable_name("/"), "workspace");
        assert_eq!(usable_name(".."), "workspace");
    }
}
