//! Agents behind a gateway, over a homeserver.
