use std::collections::HashSet;

use kernel::Timestamp;
use proptest::prelude::*;

use super::*;

fn user(n: u8) -> UserId {
    UserId::floor(Timestamp::from_millis(i64::from(n) + 1))
}

fn item(n: usize, author: u8, kind: ContentKind, value: f32) -> Scored {
    let id = ContentId::floor(kind, Timestamp::from_millis(n as i64 + 1));
    Scored { id, author: user(author), conversation: id, value, cold: None }
}

fn plain() -> Rules {
    Rules { explore: 0.0, ..Rules::default() }
}

fn order(items: &[Scored], rules: &Rules) -> Vec<usize> {
    let slate = arrange(items, &HashMap::new(), rules, &mut Dice::new(1));
    slate.into_iter().map(|placed| placed.index).collect()
}

#[test]
fn the_best_comes_first_but_not_one_author_after_the_other() {
    let post = ContentKind::Post;
    let items = [item(0, 1, post, 1.0), item(1, 1, post, 0.9), item(2, 2, post, 0.7), item(3, 1, post, 0.3)];
    assert_eq!(order(&items, &plain()), [0, 2, 1, 3]);
}

#[test]
fn a_kind_does_not_run_on_while_there_is_another() {
    let mut items: Vec<Scored> = (0..6).map(|n| item(n, n as u8, ContentKind::Reel, 1.0 - n as f32 / 100.0)).collect();
    items.push(item(6, 6, ContentKind::Post, -1.0));
    assert_eq!(order(&items, &plain()), [0, 1, 2, 6, 3, 4, 5]);
}

#[test]
fn a_conversation_has_one_item() {
    let first = item(0, 1, ContentKind::Post, 1.0);
    let second = Scored { conversation: first.conversation, ..item(1, 2, ContentKind::Post, 0.9) };
    assert_eq!(order(&[first, second, item(2, 3, ContentKind::Post, 0.1)], &plain()), [0, 2]);
}

#[test]
fn quotas_follow_what_the_viewer_likes() {
    let quotas = quotas(&[(ContentKind::Post, 1.0), (ContentKind::Reel, -2.0), (ContentKind::Listing, 0.0)]);
    assert!((quotas[&ContentKind::Post] - QUOTA_MAX).abs() < 1e-6);
    assert!((quotas[&ContentKind::Reel] - QUOTA_MIN).abs() < 1e-6);
    // Reels would win every slot, and get three of twenty.
    let reels = (0..30).map(|n| item(n, n as u8, ContentKind::Reel, 2.0));
    let posts = (30..60).map(|n| item(n, n as u8, ContentKind::Post, 1.0));
    let items: Vec<Scored> = reels.chain(posts).collect();
    let rules = Rules { length: WINDOW, run_max: WINDOW, ..plain() };
    let slate = arrange(&items, &quotas, &rules, &mut Dice::new(1));
    let shown = slate.iter().filter(|placed| items[placed.index].id.kind() == ContentKind::Reel).count();
    assert_eq!(shown, 4, "16 posts are the most, the rest goes beyond the quota");
}

#[test]
fn a_new_author_gets_the_slot_of_each_window() {
    let mut items: Vec<Scored> = (0..60).map(|n| item(n, n as u8, ContentKind::Post, 1.0)).collect();
    for (n, known) in (60..65).zip(0u8..) {
        let cold = Some(Belief { mean: 0.0, deviation: 0.1 });
        items.push(Scored { cold, ..item(n, 100 + known, ContentKind::Post, -1.0) });
    }
    let slate = arrange(&items, &HashMap::new(), &plain(), &mut Dice::new(5));
    for window in 0..3 {
        let placed = slate[window * WINDOW + COLD_START_SLOT];
        assert!(placed.slot == Slot::ColdStart && placed.index >= 60, "{placed:?}");
    }
    let without = Rules { cold_start: false, ..plain() };
    assert!(arrange(&items, &HashMap::new(), &without, &mut Dice::new(5))[COLD_START_SLOT].index < 60);
}

#[test]
fn random_slots_are_as_frequent_as_the_log_says() {
    let items: Vec<Scored> = (0..200).map(|n| item(n, n as u8, ContentKind::Post, n as f32)).collect();
    let rules = Rules { explore: 0.1, ..Rules::default() };
    let (mut random, mut slots) = (0, 0);
    for seed in 0..50 {
        let slate = arrange(&items, &HashMap::new(), &rules, &mut Dice::new(seed));
        for (place, placed) in slate.iter().enumerate() {
            let chance = 0.1 / (200 - place) as f32;
            let logged = if placed.slot == Slot::Random { chance } else { 0.9 + chance };
            assert!((placed.propensity - logged).abs() < 1e-6);
            random += usize::from(placed.slot == Slot::Random);
        }
        slots += slate.len();
    }
    let share = random as f32 / slots as f32;
    assert!((0.085..0.115).contains(&share), "{share}");
}

proptest! {
    #[test]
    fn a_slate_holds_each_item_once_and_leaves_out_none(
        given in prop::collection::vec((0u8..8, 0usize..3, -2.0f32..2.0, any::<bool>()), 0..80),
        seed in any::<u64>(),
        length in 0usize..100,
    ) {
        let kinds = [ContentKind::Post, ContentKind::Reel, ContentKind::Listing];
        let items: Vec<Scored> = given
            .iter()
            .enumerate()
            .map(|(n, (author, kind, value, cold))| Scored {
                cold: cold.then_some(Belief { mean: *value, deviation: 1.0 }),
                ..item(n, *author, kinds[*kind], *value)
            })
            .collect();
        let rules = Rules { length, explore: 0.1, ..Rules::default() };
        let slate = arrange(&items, &quotas(&kinds.map(|kind| (kind, 0.0))), &rules, &mut Dice::new(seed));
        prop_assert_eq!(slate.len(), length.min(items.len()));
        let once: HashSet<usize> = slate.iter().map(|placed| placed.index).collect();
        prop_assert_eq!(once.len(), slate.len());
        prop_assert!(slate.iter().all(|placed| placed.propensity > 0.0 && placed.propensity <= 1.0));
    }
}
