//! The audit trail as a file.

use backstay_catalog::EventFilter as RowFilter;
use backstay_model::{Action, Caller, Event, Kind, SourceId, Subject};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::ExportFormat;
use super::csv::append_line;
use super::visible::visible;
use crate::error::Result;
use crate::service::{Describe, Service};
use crate::view::EventFilter;

/// How many bytes are handed on at once.
const PIECE_BYTES: usize = 128 << 10;

/// How many pieces may wait for a slow reader; then the reading of the log waits.
const WAITING_PIECES: usize = 4;

const COLUMNS: [&str; 16] = [
    "seq",
    "at",
    "tenant",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "kind",
    "source",
    "subject_type",
    "subject_id",
    "outcome",
    "data",
    "request_id",
    "prev_hash",
    "hash",
];

impl Service {
    /// Streams the matching events, oldest first, as lines of CSV or JSON Lines, with flat memory. Beginning an export is an event.
    ///
    /// An error in the middle ends the stream.
    pub async fn export_audit(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        format: ExportFormat,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let subject = Subject::new("events", &caller.tenant);
        self.permit(caller, None, Action::Audit, &subject).await?;
        let wanted = visible(caller, filter)?;
        let event = self.event(caller, "audit.exported", subject);
        self.commit_event(event.with(json!({"format": format.as_str()}))).await?;

        let Some(wanted) = wanted else { return Ok(Box::pin(stream::empty())) };
        let (sender, receiver) = channel(WAITING_PIECES);
        let service = self.clone();
        tokio::spawn(async move {
            if let Err(error) = service.export(&wanted, format, &sender).await {
                // Without a reader there is nobody to tell.
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(Box::pin(stream::unfold(receiver, |mut receiver: Receiver<Result<Bytes>>| async {
            receiver.recv().await.map(|piece| (piece, receiver))
        })))
    }

    async fn export(
        &self,
        filter: &RowFilter,
        format: ExportFormat,
        sender: &Sender<Result<Bytes>>,
    ) -> Result<()> {
        let mut groups = self.read().await?.export_events(filter).await?;
        let mut piece = Vec::with_capacity(PIECE_BYTES + 4096);
        if format == ExportFormat::Csv {
            append_line(&mut piece, COLUMNS);
        }
        while let Some(group) = groups.next().await {
            for event in group? {
                append_event(&mut piece, &event, format);
                if piece.len() >= PIECE_BYTES {
                    let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES + 4096));
                    if sender.send(Ok(Bytes::from(full))).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
        if !piece.is_empty() {
            let _ = sender.send(Ok(Bytes::from(piece))).await;
        }
        Ok(())
    }
}

impl ExportFormat {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "json_lines",
        }
    }
}

fn append_event(out: &mut Vec<u8>, event: &Event, format: ExportFormat) {
    match format {
        ExportFormat::JsonLines => {
            serde_json::to_writer(&mut *out, event).expect("an event can be written as JSON");
            out.push(b'\n');
        }
        ExportFormat::Csv => append_line(
            out,
            [
                event.seq.to_string().as_str(),
                event.at.to_string().as_str(),
                event.tenant.as_str(),
                event.actor.kind.as_str(),
                event.actor.id.as_str(),
                event.actor.name.as_str(),
                event.action.as_str(),
                event.kind.map_or("", Kind::as_str),
                event.source.as_ref().map_or("", SourceId::as_str),
                event.subject.kind.as_str(),
                event.subject.id.as_str(),
                event.outcome.as_str(),
                event.data.as_json(),
                event.request_id.as_deref().unwrap_or(""),
                event.prev_hash.to_string().as_str(),
                event.hash.to_string().as_str(),
            ],
        ),
    }
}
