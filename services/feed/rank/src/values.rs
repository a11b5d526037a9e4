//! What an action is worth.

use kernel::ContentKind;

use crate::action::{Action, Heads};

/// Weights of predicted probabilities, in the order of [`Action::ALL`], per kind of content.
///
/// What is rare weighs more, so that on average each head contributes about as much as the others. A save says more about a
/// listing than a reaction does, staying says more about a film.
#[must_use]
pub const fn weights(kind: ContentKind) -> Heads {
    //                              dwell react comment share save  hide
    match kind {
        ContentKind::Post => [/* */ 0.05, 1.0, 8.0, 5.0, 4.0, -60.0],
        ContentKind::Reel => [/* */ 0.10, 1.0, 4.0, 8.0, 4.0, -60.0],
        ContentKind::Story => [/**/ 0.10, 1.0, 8.0, 1.0, 1.0, -60.0],
        ContentKind::Comment => [/**/ 0.0, 1.0, 4.0, 1.0, 1.0, -60.0],
        ContentKind::Livestream => [0.15, 1.0, 8.0, 8.0, 1.0, -60.0],
        ContentKind::Listing => [/**/ 0.05, 0.5, 8.0, 5.0, 10.0, -60.0],
    }
}

/// What an item is worth to a viewer who does each action with the given probability.
#[must_use]
pub fn value(kind: ContentKind, probabilities: &Heads) -> f32 {
    let weights = weights(kind);
    Action::ALL.iter().map(|action| weights[action.index()] * probabilities[action.index()]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_head_drowns_the_others_and_hiding_is_the_only_harm() {
        for kind in ContentKind::ALL {
            let weights = weights(*kind);
            for action in Action::ALL {
                let weight = weights[action.index()];
                assert_eq!(weight < 0.0, action == Action::Hide);
                assert!((weight * action.prior()).abs() < 0.05, "{kind}: {action:?}");
            }
        }
    }
}
