//! FTRL-proximal logistic regression, several heads over one table of slots.

use crate::action::{ACTIONS, Heads};
use crate::features::{Features, SLOTS};

/// How fast weights move.
const ALPHA: f32 = 0.08;
const BETA: f32 = 1.0;
/// Below this, a weight is exactly nothing: rare features cost no space in what is stored.
const L1: f32 = 0.15;
const L2: f32 = 2.0;

/// What is accumulated for one slot. All nothing for a slot that was never learned.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cell {
    pub z: Heads,
    pub n: Heads,
}

/// The table of weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Ftrl {
    cells: Vec<Cell>,
    /// What follows from `cells`, kept for prediction, which is far more frequent than learning.
    weights: Vec<Heads>,
}

impl Default for Ftrl {
    fn default() -> Self {
        Self { cells: vec![Cell::default(); SLOTS], weights: vec![[0.0; ACTIONS]; SLOTS] }
    }
}

impl Ftrl {
    /// What is added to the hand-weighted logits.
    pub fn correction(&self, features: &Features) -> Heads {
        let mut sum = [0.0; ACTIONS];
        for (slot, value) in features.iter() {
            for (sum, weight) in sum.iter_mut().zip(&self.weights[slot]) {
                *sum += weight * value;
            }
        }
        sum
    }

    pub fn weights(&self, slot: usize) -> &Heads {
        &self.weights[slot]
    }

    /// One step for an example, given by how much each head's prediction was too high.
    pub fn learn(&mut self, features: &Features, excess: &Heads) {
        for (slot, value) in features.iter() {
            let (cell, weights) = (&mut self.cells[slot], &mut self.weights[slot]);
            for head in 0..ACTIONS {
                let gradient = excess[head] * value;
                let n = cell.n[head] + gradient * gradient;
                let sigma = (n.sqrt() - cell.n[head].sqrt()) / ALPHA;
                cell.z[head] += gradient - sigma * weights[head];
                cell.n[head] = n;
                weights[head] = weight(cell.z[head], n);
            }
        }
    }

    /// The slots that were learned.
    pub fn learned(&self) -> impl Iterator<Item = (u32, &Cell)> {
        (0u32..).zip(&self.cells).filter(|(_, cell)| cell.n != [0.0; ACTIONS])
    }

    pub fn set(&mut self, slot: usize, cell: Cell) {
        for head in 0..ACTIONS {
            self.weights[slot][head] = weight(cell.z[head], cell.n[head]);
        }
        self.cells[slot] = cell;
    }
}

fn weight(z: f32, n: f32) -> f32 {
    let over = z.abs() - L1;
    if over <= 0.0 { 0.0 } else { -over * z.signum() / ((BETA + n.sqrt()) / ALPHA + L2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_which_slot_matters() {
        let mut model = Ftrl::default();
        let of = |slot: u32| Features { hand: [0.0; ACTIONS], slots: vec![slot], values: vec![1.0] };
        for _ in 0..200 {
            for (slot, happened) in [(1, 1.0), (2, 0.0)] {
                let predicted = crate::hand::sigmoid(model.correction(&of(slot))[0]);
                model.learn(&of(slot), &[predicted - happened; ACTIONS]);
            }
        }
        assert!(model.correction(&of(1))[0] > 1.0, "{:?}", model.correction(&of(1)));
        assert!(model.correction(&of(2))[0] < -1.0);
        assert_eq!(model.correction(&of(3)), [0.0; ACTIONS]);
        assert_eq!(model.learned().map(|(slot, _)| slot).collect::<Vec<_>>(), [1, 2]);
    }
}
