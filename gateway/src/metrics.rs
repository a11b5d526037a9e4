//! What a node counts.

use std::sync::LazyLock;

use telemetry::{COUNT_BUCKETS, Counter, Counters, Gauge, Histogram};
use telemetry::{counter, counters_of, gauge, histogram};

pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub struct Metrics {
    pub connections: Gauge,
    pub topics: Gauge,
    pub opened: Counter,
    pub refused: Counters<1>,
    pub closed: Counters<1>,
    pub frames_in: Counter,
    pub bytes_in: Counter,
    pub frames_out: Counter,
    pub bytes_out: Counter,
    pub writes: Counter,
    pub queued: Histogram,
    pub fanout: Histogram,
    pub resumes: Counters<1>,
    pub replayed: Counter,
    pub resyncs: Counters<1>,
    pub gaps: Counters<1>,
    pub commands_refused: Counters<1>,
}

impl Metrics {
    fn new() -> Self {
        Self {
            connections: gauge("plaza_gateway_connections", "Open connections."),
            topics: gauge("plaza_gateway_topics", "Topics that this node follows."),
            opened: counter("plaza_gateway_connections_opened_total", "Connections admitted."),
            refused: counters_of(
                "plaza_gateway_admissions_refused_total",
                "Connections refused before the upgrade, by reason.",
                "reason",
                &["full", "pace", "address"],
            ),
            closed: counters_of(
                "plaza_gateway_connections_closed_total",
                "Connections ended, by close code; 0 when the client just went.",
                "code",
                &["0"],
            ),
            frames_in: counter("plaza_gateway_frames_received_total", "Frames from clients."),
            bytes_in: counter("plaza_gateway_received_bytes_total", "Payload bytes from clients."),
            frames_out: counter("plaza_gateway_frames_sent_total", "Frames to clients."),
            bytes_out: counter("plaza_gateway_sent_bytes_total", "Bytes to clients, frame headers included."),
            writes: counter(
                "plaza_gateway_writes_total",
                "Writes to sockets; frames per write tell how well they are coalesced.",
            ),
            queued: histogram(
                "plaza_gateway_queued_frames",
                "Frames that were waiting when a connection came to write.",
                COUNT_BUCKETS,
            ),
            fanout: histogram("plaza_gateway_fanout", "Connections of this node that an event went to.", COUNT_BUCKETS),
            resumes: counters_of(
                "plaza_gateway_resumes_total",
                "Identified connections, by what became of their positions.",
                "status",
                &["fresh", "resumed", "resync"],
            ),
            replayed: counter("plaza_gateway_replayed_events_total", "Events sent again on resume."),
            resyncs: counters_of(
                "plaza_gateway_resyncs_total",
                "Connections told to read topics anew, by reason.",
                "reason",
                &["gap", "epoch"],
            ),
            gaps: counters_of(
                "plaza_gateway_gaps_total",
                "Holes found in topics, by how they were found.",
                "found_by",
                &["event", "check", "entering"],
            ),
            commands_refused: counters_of(
                "plaza_gateway_commands_refused_total",
                "Commands refused before they ran, by code.",
                "code",
                &["rate_limited", "too_many_in_flight", "malformed_frame", "unknown_command", "not_identified"],
            ),
        }
    }
}
