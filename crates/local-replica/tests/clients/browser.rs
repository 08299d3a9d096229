//! Chromium without a window, reading a certified page through the gateway.
