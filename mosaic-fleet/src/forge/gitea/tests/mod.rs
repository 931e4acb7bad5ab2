//! Tests of the client, by subject.

mod paging;
