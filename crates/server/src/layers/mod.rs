//! What happens around every handler, from the outside in: [`request_id`], [`measure`], [`headers`], [`problem`],
//! [`protect`], [`repeatable`].

pub(crate) mod headers;
pub(crate) mod measure;
pub(crate) mod problem;
pub(crate) mod protect;
pub(crate) mod repeatable;
pub(crate) mod request_id;
