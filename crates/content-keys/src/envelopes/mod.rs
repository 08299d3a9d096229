//! Formats in which ordinary tools encrypt to a content key.
