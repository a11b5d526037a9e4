//! What people of the demo show: reels and stories, and pictures with posts and listings.

use std::time::Duration;

use super::community::{PAST, Persona, Post};
use super::dice::Dice;
use super::film::Film;
use super::pictures::{SCENES, Scene};
use super::words::{PICTURED, REELS, STORIES};

/// Stories are younger: one that is over is not shown.
const STORIES_PAST: Duration = Duration::from_secs(22 * 60 * 60);

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub reels: Vec<Reel>,
    pub stories: Vec<Story>,
    /// With posts, by their places in the plan.
    pub pictures: Vec<(usize, Scene)>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Reel {
    pub by: usize,
    pub text: &'static str,
    pub film: Film,
    pub ago: Duration,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Story {
    pub by: usize,
    pub text: &'static str,
    pub scene: Scene,
    pub close_friends: bool,
    pub ago: Duration,
}

impl Shown {
    pub fn plan(dice: &mut Dice, people: &[Persona], posts: &[Post]) -> Self {
        let mut shown = Self::default();
        for by in 0..people.len() {
            // In the smallest community there is one of each.
            if dice.chance(30) || by == 0 {
                let mut order: Vec<usize> = (0..REELS.len()).collect();
                dice.shuffle(&mut order);
                for (text, film) in order.into_iter().take(dice.between(1, 2)).map(|choice| REELS[choice]) {
                    shown.reels.push(Reel { by, text, film, ago: ago(dice, PAST) });
                }
            }
            if dice.chance(45) || by == 0 {
                let mut order: Vec<usize> = (0..STORIES.len()).collect();
                dice.shuffle(&mut order);
                for choice in order.into_iter().take(dice.between(1, 3)) {
                    let scene = SCENES[dice.below(SCENES.len())];
                    let (close_friends, ago) = (dice.chance(20), ago(dice, STORIES_PAST));
                    shown.stories.push(Story { by, text: STORIES[choice], scene, close_friends, ago });
                }
            }
        }
        for (at, post) in posts.iter().enumerate() {
            if let Some((_, scene)) = PICTURED.iter().find(|(words, _)| post.text.contains(words)) {
                shown.pictures.push((at, *scene));
            }
        }
        shown.reels.sort_by_key(|reel| std::cmp::Reverse(reel.ago));
        shown.stories.sort_by_key(|story| std::cmp::Reverse(story.ago));
        shown
    }
}

fn ago(dice: &mut Dice, past: Duration) -> Duration {
    Duration::from_secs(dice.next() % past.as_secs())
}
