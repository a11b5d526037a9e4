//! What operators see of a Plaza: the figures that the dashboard draws.

use std::collections::BTreeSet;

use schemas::content::PostCreate;
use serde_json::Value;
use system_tests::Deployment;
use system_tests::wait::{SOON, within};

crate::on_both_stores![every_figure_of_the_dashboard_is_there];

const DASHBOARD: &str = include_str!("../../../deploy/grafana/dashboards/plaza.json");

/// Every metric that the dashboard asks for.
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
    let _device = ada.device_by(0).await;
    ada.session.post(&PostCreate { text: "The engine".to_owned(), audience: None }).await.unwrap();

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
