//! Which CI service is asked about a repository.
