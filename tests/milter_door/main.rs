//! The milter door as a mail server finds it: a real listener, the real store on a temporary disk, a mail server's side
//! by hand, and `miltertest`, which others wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod limits;
mod scripts;
mod support;
mod talks;
