//! A lane: the open work of a repository.
