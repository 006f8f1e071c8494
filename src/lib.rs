//! Faxgate: an email-first fax gateway.
//!
//! `ARCHITECTURE.md` is the map. Modules are listed here from the bottom layer to the top; each may use
//! those above it in this list, and `tests/layers.rs` holds them to it.

// 1: values and decisions
pub mod address;
pub mod clock;
pub mod job;

// 2: adapters
pub mod blob;
pub mod line;
pub mod mailauth;
pub mod mailer;
pub mod render;
pub mod store;

// 3: the flow
pub mod post;
pub mod queue;
pub mod received;
pub mod report;
pub mod status;
pub mod submit;
pub mod users;

// 4: the ways in
pub mod door;

// 5: the program
pub mod app;
pub mod cli;
pub mod config;
pub mod observe;
