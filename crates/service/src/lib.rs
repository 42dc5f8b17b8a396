//! The use cases of Backstay: rules, transactions, events.
