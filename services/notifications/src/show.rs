//! What of an inbox its owner may see at this moment.

use std::collections::{HashMap, HashSet};

use kernel::{ContentId, NotificationId, UserId};
use schemas::notifications::Notification;

use crate::Error;
use crate::model::{PEOPLE_SHOWN, excerpt, happening_of, reaction_of};
use crate::neighbours::Glimpse;
use crate::service::Service;
use crate::store::{self, Line, LineAct, content};

impl Service {
    /// Those of `lines` that may be shown, in their order. What is uncertain is not shown.
    pub(crate) async fn show(&self, viewer: UserId, lines: &[Line]) -> Result<Vec<Notification>, Error> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<NotificationId> = lines.iter().map(|line| line.id).collect();
        let mut acts: HashMap<NotificationId, Vec<LineAct>> = HashMap::new();
        for act in store::acts(&self.db, &ids).await? {
            acts.entry(act.notification).or_default().push(act);
        }
        let actors: HashSet<UserId> = acts.values().flatten().map(|act| act.actor).collect();
        let actors: Vec<UserId> = actors.into_iter().collect();
        let targets = lines.iter().filter_map(|line| content(line.target_kind, line.target));
        let items = acts.values().flatten().filter_map(|act| content(act.item_kind, act.item));
        let asked: HashSet<ContentId> = targets.chain(items).collect();
        let asked: Vec<ContentId> = asked.into_iter().collect();
        let glimpses =
            async { if asked.is_empty() { Ok(HashMap::new()) } else { self.contents.visible(viewer, &asked).await } };
        let (people, glimpses) = tokio::try_join!(self.people.heard(viewer, &actors), glimpses)?;
        let shown = lines.iter().filter_map(|line| {
            let target = content(line.target_kind, line.target);
            if target.is_some_and(|target| !glimpses.contains_key(&target)) {
                return None;
            }
            let acts = acts.remove(&line.id)?;
            let loaded: HashSet<UserId> = acts.iter().map(|act| act.actor).collect();
            let may_show = |act: &LineAct| {
                let item = content(act.item_kind, act.item);
                people.contains_key(&act.actor) && item.is_none_or(|item| glimpses.contains_key(&item))
            };
            let seen: Vec<LineAct> = acts.into_iter().filter(may_show).collect();
            let last = seen.first()?;
            let mut names: Vec<UserId> = Vec::with_capacity(seen.len());
            for act in &seen {
                if !names.contains(&act.actor) {
                    names.push(act.actor);
                }
            }
            // Whoever was looked at and may not be shown is not among the others either.
            let hidden = loaded.len() - names.len();
            let shown = names.len().min(PEOPLE_SHOWN);
            let others = (line.actors.unsigned_abs() as usize).saturating_sub(hidden + shown);
            let latest = content(last.item_kind, last.item);
            Some(Notification {
                id: line.id,
                what: happening_of(line.what)?,
                target,
                latest,
                excerpt: begin(&glimpses, latest.or(target)),
                reaction: reaction_of(last.value),
                people: names.iter().take(PEOPLE_SHOWN).filter_map(|actor| people.get(actor).cloned()).collect(),
                others: u32::try_from(others).unwrap_or(u32::MAX),
                at: line.at,
                read: line.read_until.is_some_and(|until| line.at <= until),
            })
        });
        Ok(shown.collect())
    }
}

fn begin(glimpses: &HashMap<ContentId, Glimpse>, of: Option<ContentId>) -> Option<String> {
    excerpt(&glimpses.get(&of?)?.text)
}

const _: () = assert!(PEOPLE_SHOWN as i64 <= store::ACTS_READ);
