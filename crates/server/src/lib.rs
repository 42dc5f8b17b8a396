//! The HTTP server: endpoints, live streams, OpenAPI.
