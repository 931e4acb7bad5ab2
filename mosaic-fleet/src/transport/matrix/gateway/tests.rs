//! A gateway, asked to do what it must not.
