//! What operators see of a Plaza: the way of a message, and the figures that the dashboard draws.

use std::collections::BTreeSet;

use schemas::chat::MessageCreated;
use schemas::content::PostCreate;
use serde_json::Value;
use system_tests::deployment::GENEROUS;
use system_tests::wait::{SOON, within};
use system_tests::{Deployment, Stores};
use telemetry::testing::{Collector, Received};

crate::on_both_stores![every_figure_of_the_dashboard_is_there];

const DASHBOARD: &str = include_str!("../../../deploy/grafana/dashboards/plaza.json");
const ALERTS: &str = include_str!("../../../deploy/prometheus/alerts.yaml");

/// Every metric that the dashboard and the alerts ask for.
fn drawn() -> BTreeSet<String> {
    fn collect(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                into.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| collect(member, into));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
            _ => {}
        }
    }
    let mut expressions = Vec::new();
    collect(&serde_json::from_str(DASHBOARD).unwrap(), &mut expressions);
    let alerts = ALERTS.lines().filter_map(|line| line.trim_start().strip_prefix("expr: "));
    expressions.extend(alerts.map(str::to_owned));
    let words = expressions.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.filter(|word| word.starts_with("plaza_") || word.starts_with("process_")).map(str::to_owned).collect()
}

/// Every metric that a node shows, by the names of its samples.
async fn shown(base: &str) -> BTreeSet<String> {
    let text = reqwest::get(format!("{base}/metrics")).await.unwrap().text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) else { continue };
        let endings: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        for ending in endings {
            let fresh = names.insert(format!("{name}{ending}"));
            assert!(fresh, "{name} is there twice: Prometheus refuses the whole page");
        }
    }
    names
}

async fn every_figure_of_the_dashboard_is_there(plaza: &Deployment) {
    // Each part of Plaza shows its figures from the first time that it has something to do.
    let ada = plaza.person("ada").await;
    let phone = ada.log_in("phone").await.unwrap();
    let _device = phone.device_by(0).await;
    ada.session.publish(PostCreate { text: "The engine".to_owned(), ..PostCreate::default() }).await.unwrap();

    let drawn = drawn();
    assert!(drawn.len() > 20, "{drawn:?}");
    let mut missing = BTreeSet::new();
    let complete = within(SOON, async || {
        // On two nodes, work is done on either.
        let mut all = BTreeSet::new();
        for node in &plaza.nodes {
            all.extend(shown(&node.base).await);
        }
        missing = drawn.difference(&all).cloned().collect();
        missing.is_empty().then_some(())
    });
    assert!(complete.await.is_some(), "drawn, but not shown by any node: {missing:#?}");
}

mod traces {
    use super::*;

    mod embedded {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn one_trace_follows_a_message_in_one_process() {
            one_trace_follows_a_message(Stores::Embedded, 1, &["chat.append"]).await;
        }
    }

    mod grown_up {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn one_trace_follows_a_message_across_nodes() {
            one_trace_follows_a_message(Stores::GrownUp, 2, &["chat.append", "bus.publish_in_order"]).await;
        }
    }
}

/// From the sender's frame by the `stores` to the frames of those who receive it, on whichever node they are.
async fn one_trace_follows_a_message(kind: Stores, nodes: usize, stores: &[&str]) {
    let collector = Collector::start().await.unwrap();
    let endpoint = collector.endpoint();
    let mut settings = GENEROUS.to_vec();
    settings.push(("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint));
    settings.push(("OTEL_BSP_SCHEDULE_DELAY", "100"));
    let plaza = Deployment::start(kind, nodes, &settings).await;
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);
    let room = ada.session.direct(ben.id()).await.unwrap().id;
    on_ada.socket.send_message(room, "followed").await.unwrap();
    on_ben.told("message.created", |event: &MessageCreated| event.message.text == "followed").await;

    let sent = |span: &&Received| span.attributes.get("op").is_some_and(|op| op == "message.send");
    let whole = |spans: &[Received]| {
        let Some(frame) = spans.iter().find(sent) else { return false };
        let path = spans.iter().filter(|span| span.trace == frame.trace);
        let named = |name: &str| path.clone().any(|span| span.name == name);
        let delivered: BTreeSet<&String> =
            path.clone().filter(|span| span.name == "socket.deliver").map(|span| &span.node).collect();
        // Every span of the trace hangs on another of it, up to the sender's frame. A span comes when it has ended, so often
        // before the one that it hangs on.
        let hangs = |span: &Received| span.parent.is_empty() || path.clone().any(|other| other.span == span.parent);
        stores.iter().all(|name| named(name)) && delivered.len() == nodes && path.clone().all(hangs)
    };
    let spans = match collector.wait(SOON, whole).await {
        Ok(spans) => spans,
        Err(spans) => panic!("the message's trace is not whole: {spans:#?}"),
    };
    assert_eq!(spans.iter().find(sent).unwrap().parent, "");
}
