//! `url#ref`, the short form of a declaration.

use crate::error::{DependencyError, Result};
use crate::reference::Reference;
use crate::url::SourceUrl;

/// A source and the ref of it that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Where it comes from.
    pub source: SourceUrl,
    /// Which ref.
    pub reference: Reference,
}

impl Pin {
    /// Parses `url#ref`; the last `#` splits.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((source, reference)) = text.rsplit_once('#') else {
            return Err(DependencyError::InvalidUrl {
                url: crate::url::redact(&crate::name::shown(text)),
                reason: "it names no ref: write url#ref",
            });
        };
        Ok(Self { source: SourceUrl::parse(source)?, reference: Reference::parse(reference)? })
    }

    /// `url#ref` as it is written into `graft.yaml`.
    pub fn to_text(&self) -> String {
        format!("{}#{}", self.source.as_str(), self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hash_splits() {
        let pin = Pin::parse("/srv/a#b#v1").unwrap();
        assert_eq!((pin.source.as_str(), pin.reference.as_str()), ("/srv/a#b", "v1"));
        assert_eq!(pin.to_text(), "/srv/a#b#v1");
        assert!(Pin::parse("/srv/a").is_err());
        assert!(Pin::parse("/srv/a#").is_err());
        assert!(Pin::parse("#v1").is_err());
    }
}
