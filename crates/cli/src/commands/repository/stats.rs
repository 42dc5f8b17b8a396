//! `backstay repository stats`

use backstay_repository::StatisticsOptions;
use clap::Args;
use serde_json::json;

use crate::backend::bare::Bare;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human::{self, Size};
use crate::render::table::facts;

/// Show sizes: logical, deduplicated, stored
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Also find out what nothing needs any more; reads every tree
    #[arg(long)]
    pub(crate) unused: bool,
}

/// Counts.
pub(crate) async fn run(cx: &Context, args: StatsArgs) -> CommandResult {
    let (bare, inner) = (Bare::here(cx)?, cx.clone());
    let found = cx
        .blocking("Counting", move |_, cancel| {
            let options = StatisticsOptions { count_unused: args.unused, cancel };
            Ok(bare.open(&inner)?.statistics(&options)?)
        })
        .await?;
    let value = json!({
        "snapshots": found.snapshots,
        "logical_bytes": found.logical_bytes,
        "deduplicated_bytes": found.deduplicated_bytes,
        "stored_bytes": found.stored_bytes,
        "index_bytes": found.index_bytes,
        "packs": found.packs,
        "index_objects": found.index_objects,
        "chunks": found.chunks,
        "unused_bytes": found.unused_bytes,
    });
    cx.output.result(&value, |out, style| {
        let size = |bytes: u64| Size(bytes).to_string();
        facts(
            out,
            style,
            &[
                ("snapshots", human::grouped(found.snapshots)),
                ("logical size", size(found.logical_bytes)),
                ("deduplicated", size(found.deduplicated_bytes)),
                ("stored", size(found.stored_bytes)),
                ("index", size(found.index_bytes)),
                ("packs", human::grouped(found.packs)),
                ("chunks", human::grouped(found.chunks)),
                ("unused", found.unused_bytes.map(size).unwrap_or_default()),
            ],
        )
    })?;
    Ok(Exit::Done)
}
