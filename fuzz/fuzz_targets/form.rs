//! Forms of approvals, and values for them: a schema, a line feed, values.
#![no_main]

use backstay_source_job::execution::Form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(schema), Some(values)) = (parts.next(), parts.next()) else { return };
    let (Ok(schema), Ok(values)) = (serde_json::from_slice(schema), serde_json::from_slice(values)) else { return };
    if let Ok(form) = Form::new(&schema) {
        assert!(form.check(&values).len() <= 20);
    }
});
