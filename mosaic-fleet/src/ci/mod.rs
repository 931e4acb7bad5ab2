//! Pipelines: whether they are over, and how they ended.
