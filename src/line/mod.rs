//! Lines: what dials and what answers.
