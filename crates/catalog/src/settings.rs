//! Settings of the installation, by name.

use backstay_model::Timestamp;
use serde_json::Value as Json;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

struct Setting(Json);

impl Record for Setting {
    const TABLE: &'static str = "settings";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        fields.json().map(Self)
    }
}

impl Session {
    /// The value of a setting.
    pub async fn setting(&mut self, name: &str) -> Result<Option<Json>> {
        let statement = sql("read a setting", "SELECT value FROM settings WHERE name = $1").bind(name);
        Ok(self.one::<Setting>(statement).await?.map(|setting| setting.0))
    }
}

impl Tx {
    /// Sets a setting.
    pub async fn set_setting(&mut self, name: &str, value: &Json, now: Timestamp) -> Result<()> {
        let text = "INSERT INTO settings (name, value, changed_at) VALUES ($1, $2, $3)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at";
        self.execute(sql("change a setting", text).bind(name).bind(value).bind(now)).await.map(|_| ())
    }
}
