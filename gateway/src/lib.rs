//! The WebSocket gateway.
