//! The envelope of a list: its items under their own name, the true total and the cursor of the next page.

/// Declares the envelope of a list.
macro_rules! page {
    ($(#[$doc:meta])* $name:ident, $items:ident: $item:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub struct $name {
            /// This page, in the order of the list.
            pub $items: Vec<$item>,
            /// How many there are in all, whatever the page.
            pub total: u64,
            /// The `cursor` of the next page; absent on the last.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub next: Option<String>,
            /// A sentence for a person, for example why the list is empty.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub message: Option<String>,
        }
    };
}
pub(crate) use page;

/// Declares the query of a list: its own filters, then the parameters that every list has.
macro_rules! list_query {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }) => {
        $crate::page::list_query!($(#[$doc])* $name, most 1000 { $($fields)* });
    };
    ($(#[$doc:meta])* $name:ident, most $most:tt { $($(#[$attr:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            $($(#[$attr])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
            /// How many items a page has; 100 when absent.
            #[param(minimum = 1, maximum = $most)]
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub limit: Option<u32>,
            /// How many items to skip; for jumping, `cursor` is the fast way through a long list.
            #[param(minimum = 0, maximum = 1_000_000_000)]
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub offset: Option<u32>,
            /// `next` of the page before.
            #[param(min_length = 1, max_length = 500)]
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub cursor: Option<String>,
        }
    };
}
pub(crate) use list_query;
