//! What a delivered message costs: in one large room, between pairs, and when the room is faster than its sockets.

use std::time::Duration;

use super::Options;
use super::link::{Error, Link, floor_frame, stamped};
use super::load::{Crowd, Plan};
use super::plaza::Plaza;
use crate::measure::{Outcome, median};
use crate::process::Server;
use crate::report::{Bar, Table, judged};

/// Bytes of text in a message, as in the peers' figures.
const TEXT_LENGTH: usize = 200;
/// Deliveries a second in the large room, as in the peers' figures.
const ROOM_DELIVERIES_PER_SECOND: f64 = 50_000.0;
/// Durable sends a second between pairs; each reaches both.
const PAIR_SENDS_PER_SECOND: f64 = 500.0;
/// CPU per delivery in the large room, against the floor at the same rate.
const ROOM_CPU_RATIO_MAX: f64 = 1.5;
/// Deliveries per CPU second at saturation, against the floor, which does not coalesce.
const SATURATION_RATIO_MIN: f64 = 3.0;
/// Messages a second into the large room that no server sends out one write each.
const SATURATION_SENDS_PER_SECOND: f64 = 1_000.0;
const WARM_UP: Duration = Duration::from_secs(2);
const READ_BUFFER: usize = 32 * 1024;

const HEAD: [&str; 8] =
    ["server", "deliveries/s", "CPU µs each", "of the floor", "bar", "p50 ms", "p99 ms", "delivered of expected"];

pub async fn room(options: &Options, plaza: &Plaza) -> Result<Vec<Table>, Error> {
    let members = options.members.min(plaza.people());
    let plan = Plan {
        rate: ROOM_DELIVERIES_PER_SECOND / members as f64,
        warm_up: WARM_UP,
        lasting: Duration::from_secs(options.seconds),
        reach: members as u64,
    };
    let (floor, ours) = both(options, plaza, &Shape::Room { members }, &plan).await?;
    let ratio = ours.cpu_us_per_delivery() / floor.cpu_us_per_delivery();
    let mut table = Table::new("One room of everybody", &HEAD);
    table.row(cells("floor", &floor, ["1.00".to_owned(), String::new()]));
    table.row(cells(&plaza.name(), &ours, judged(ratio, Bar::AtMost(ROOM_CPU_RATIO_MAX))));
    Ok(vec![table])
}

pub async fn pairs(options: &Options, plaza: &Plaza) -> Result<Vec<Table>, Error> {
    let pairs = options.pairs.min(plaza.people() / 2);
    let plan =
        Plan { rate: PAIR_SENDS_PER_SECOND, warm_up: WARM_UP, lasting: Duration::from_secs(options.seconds), reach: 2 };
    let (floor, ours) = both(options, plaza, &Shape::Pairs { pairs }, &plan).await?;
    let ratio = ours.cpu_us_per_delivery() / floor.cpu_us_per_delivery();
    let mut table = Table::new("Pairs of people, each send durable before its ack", &HEAD);
    table.row(cells("floor (nothing stored)", &floor, ["1.00".to_owned(), String::new()]));
    table.row(cells(&plaza.name(), &ours, judged(ratio, Bar::None)));
    Ok(vec![table])
}

pub async fn saturation(options: &Options, plaza: &Plaza) -> Result<Vec<Table>, Error> {
    let members = options.members.min(plaza.people());
    let plan = Plan {
        rate: SATURATION_SENDS_PER_SECOND,
        warm_up: WARM_UP,
        lasting: Duration::from_secs(options.seconds),
        reach: members as u64,
    };
    let (floor, ours) = both(options, plaza, &Shape::Room { members }, &plan).await?;
    let ratio = ours.deliveries_per_cpu_second() / floor.deliveries_per_cpu_second();
    let head = [
        "server",
        "deliveries/s",
        "per CPU second",
        "of the floor",
        "bar",
        "p99 ms",
        "delivered of expected",
        "sends refused",
        "lost connections",
    ];
    let mut table = Table::new("The same room, faster than its sockets", &head);
    let row = |name: &str, run: &Outcome, [ratio, bar]: [String; 2]| {
        let per_cpu = format!("{:.0}", run.deliveries_per_cpu_second());
        [
            name.to_owned(),
            format!("{:.0}", run.rate()),
            per_cpu,
            ratio,
            bar,
            ms(run.p99),
            format!("{} of {}", run.delivered, run.expected),
            run.refused.to_string(),
            run.lost_connections.to_string(),
        ]
    };
    table.row(row("floor (one write a delivery)", &floor, ["1.00".to_owned(), String::new()]));
    table.row(row(&plaza.name(), &ours, judged(ratio, Bar::AtLeast(SATURATION_RATIO_MIN))));
    Ok(vec![table])
}

/// Who hears whom.
enum Shape {
    Room { members: usize },
    Pairs { pairs: usize },
}

impl Shape {
    fn connections(&self) -> usize {
        match self {
            Self::Room { members } => *members,
            Self::Pairs { pairs } => pairs * 2,
        }
    }

    fn room_of(&self, connection: usize) -> usize {
        match self {
            Self::Room { .. } => 0,
            Self::Pairs { .. } => connection / 2,
        }
    }
}

/// The floor and Plaza under the same plan, in turn, with frames of the same length.
async fn both(options: &Options, plaza: &Plaza, shape: &Shape, plan: &Plan) -> Result<(Outcome, Outcome), Error> {
    let length = frame_length(plaza, shape).await?;
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        let (floor, port) = Server::floor().await?;
        let mut links = Vec::new();
        for number in 0..shape.connections() {
            links.push(Link::floor(port, &shape.room_of(number).to_string(), READ_BUFFER).await?);
        }
        let mut crowd = Crowd::gather(links);
        bare.push(crowd.run(&floor, plan, &|_, _, now, _| floor_frame(now, length)).await?);
        crowd.disperse().await;
        floor.stop().await?;

        let mut links = Vec::new();
        for number in 0..shape.connections() {
            links.push(plaza.connect(number, READ_BUFFER).await?);
        }
        let mut crowd = Crowd::gather(links);
        let frame = |sender: usize, number: u64, now: u64, moment: Option<&str>| {
            send_frame(plaza.room(shape.room_of(sender), matches!(shape, Shape::Room { .. })), number, now, moment)
        };
        ours.push(crowd.run(plaza.server(), plan, &frame).await?);
        crowd.disperse().await;
    }
    median(bare).zip(median(ours)).ok_or_else(|| "no runs were asked for".into())
}

/// Bytes of the frame in which Plaza delivers a message of [`TEXT_LENGTH`].
async fn frame_length(plaza: &Plaza, shape: &Shape) -> Result<usize, Error> {
    // The event may overtake the ack, so somebody else listens for it.
    let (mut sender, mut listener) = (plaza.connect(0, READ_BUFFER).await?, plaza.connect(0, READ_BUFFER).await?);
    let room = plaza.room(shape.room_of(0), matches!(shape, Shape::Room { .. }));
    let data = serde_json::json!({ "room": room, "client_id": uuid::Uuid::new_v4(), "text": stamped(0, TEXT_LENGTH) });
    sender.call("message.send", &data).await?;
    listener.next_payload_length().await
}

fn send_frame(room: &str, number: u64, now: u64, moment: Option<&str>) -> String {
    let client_id = uuid::Uuid::new_v4();
    let text = stamped(now, TEXT_LENGTH);
    let made_after = moment.map_or_else(String::new, |moment| format!(r#","made_after":"{moment}""#));
    // Ids of commands count per connection; the number of the run does as well.
    format!(
        r#"{{"id":{},"op":"message.send","d":{{"room":"{room}","client_id":"{client_id}","text":"{text}"{made_after}}}}}"#,
        number + 10
    )
}

fn cells(name: &str, run: &Outcome, [ratio, bar]: [String; 2]) -> [String; 8] {
    [
        name.to_owned(),
        format!("{:.0}", run.rate()),
        format!("{:.2}", run.cpu_us_per_delivery()),
        ratio,
        bar,
        ms(run.p50),
        ms(run.p99),
        format!("{} of {}", run.delivered, run.expected),
    ]
}

fn ms(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}
