//! Agents beyond this machine, over a homeserver that exists already.
