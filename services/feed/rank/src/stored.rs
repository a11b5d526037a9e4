//! A model as bytes: the slots that were learned, in little-endian numbers.

use crate::Model;
use crate::action::{ACTIONS, Heads};
use crate::features::{SLOTS, schema};
use crate::ftrl::Cell;
use crate::model::Platt;

const MAGIC: [u8; 4] = *b"PZR1";
const HEADER_BYTES: usize = MAGIC.len() + 8 + 8 + 4;
const PLATT_BYTES: usize = 5 * 4;
const CELL_BYTES: usize = 4 + 2 * ACTIONS * 4;
/// Most bytes that a model can take.
pub const BYTES_MAX: usize = HEADER_BYTES + ACTIONS * PLATT_BYTES + SLOTS * CELL_BYTES;

/// Why bytes are not a model that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    #[error("not a model, or a damaged one")]
    Damaged,
    #[error("learned from other features")]
    Schema,
}

impl Model {
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let cells: Vec<(u32, &Cell)> = self.table.learned().collect();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + ACTIONS * PLATT_BYTES + cells.len() * CELL_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(schema().to_le_bytes());
        bytes.extend(self.examples.to_le_bytes());
        bytes.extend((cells.len() as u32).to_le_bytes());
        for platt in &self.platt {
            for number in [platt.scale, platt.shift, platt.seen, platt.spread[0], platt.spread[1]] {
                bytes.extend(number.to_le_bytes());
            }
        }
        for (slot, cell) in cells {
            bytes.extend(slot.to_le_bytes());
            cell.z.iter().chain(&cell.n).for_each(|number| bytes.extend(number.to_le_bytes()));
        }
        bytes
    }

    /// # Errors
    /// When the bytes are of other features, or were not made by [`Model::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        let mut rest = Rest(bytes);
        if rest.take::<4>()? != MAGIC {
            return Err(StoredError::Damaged);
        }
        if u64::from_le_bytes(rest.take()?) != schema() {
            return Err(StoredError::Schema);
        }
        let mut model = Self { examples: u64::from_le_bytes(rest.take()?), ..Self::default() };
        let cells = u32::from_le_bytes(rest.take()?) as usize;
        for platt in &mut model.platt {
            let [scale, shift, seen] = [rest.number()?, rest.number()?, rest.number()?];
            *platt = Platt { scale, shift, seen, spread: [rest.number()?, rest.number()?] };
        }
        if rest.0.len() != cells * CELL_BYTES {
            return Err(StoredError::Damaged);
        }
        for _ in 0..cells {
            let slot = u32::from_le_bytes(rest.take()?) as usize;
            if slot >= SLOTS {
                return Err(StoredError::Damaged);
            }
            let (z, n) = (rest.heads()?, rest.heads()?);
            model.table.set(slot, Cell { z, n });
        }
        Ok(model)
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoredError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(StoredError::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<f32, StoredError> {
        let number = f32::from_le_bytes(self.take()?);
        if number.is_finite() { Ok(number) } else { Err(StoredError::Damaged) }
    }

    fn heads(&mut self) -> Result<Heads, StoredError> {
        let mut heads = [0.0; ACTIONS];
        for head in &mut heads {
            *head = self.number()?;
        }
        Ok(heads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actions, Example, Features};

    fn taught() -> Model {
        let mut model = Model::default();
        for n in 0..50 {
            let features = Features { hand: [-1.0; ACTIONS], slots: vec![n, 1_000 + n], values: vec![1.0, 0.5] };
            model.learn(&Example { features, place: 3, actions: Actions(u8::try_from(n).unwrap() & 63) });
        }
        model
    }

    #[test]
    fn a_model_comes_back_as_it_was() {
        for model in [Model::default(), taught()] {
            let bytes = model.to_bytes();
            assert!(bytes.len() <= BYTES_MAX);
            assert_eq!(Model::from_bytes(&bytes).unwrap(), model);
        }
    }

    #[test]
    fn what_is_damaged_or_of_other_features_is_refused() {
        let bytes = taught().to_bytes();
        for cut in [0, 3, 4, 12, bytes.len() - 1] {
            assert_eq!(Model::from_bytes(&bytes[..cut]), Err(StoredError::Damaged), "{cut}");
        }
        let mut long = bytes.clone();
        long.push(0);
        assert_eq!(Model::from_bytes(&long), Err(StoredError::Damaged));
        let mut other = bytes.clone();
        other[5] ^= 1;
        assert_eq!(Model::from_bytes(&other), Err(StoredError::Schema));
        let mut outside = bytes;
        let first = HEADER_BYTES + ACTIONS * PLATT_BYTES;
        outside[first..first + 4].copy_from_slice(&(SLOTS as u32).to_le_bytes());
        assert_eq!(Model::from_bytes(&outside), Err(StoredError::Damaged));
    }
}
