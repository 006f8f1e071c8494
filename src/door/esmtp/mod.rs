//! What the doors that speak of SMTP have in common: replies, and the parameters of `MAIL` and `RCPT`. So a refusal
//! reads the same whichever way the mail came.

pub mod parameters;
pub mod reply;
pub mod timing;
