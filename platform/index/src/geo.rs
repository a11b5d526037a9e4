//! Distances on a sphere, and cells that narrow a search down.
//!
//! The earth is a sphere of mean radius here, as in OpenSearch: up to 0.6 % off the ellipsoid's distance.

use crate::document::Place;
use crate::query::Area;

/// Mean radius of the earth, in metres (IUGG).
pub const EARTH_RADIUS_M: f64 = 6_371_008.771_4;
/// Widens what only narrows down, against rounding: in degrees, about 1 m.
const SLACK_DEGREES: f64 = 1e-5;

/// Along the great circle, in metres (haversine).
#[must_use]
pub fn distance_m(a: Place, b: Place) -> f64 {
    let (lat_a, lat_b) = (a.latitude().to_radians(), b.latitude().to_radians());
    let lat = (lat_b - lat_a) / 2.0;
    let lon = (b.longitude() - a.longitude()).to_radians() / 2.0;
    let h = lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * lon.sin().powi(2);
    2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
}

impl Area {
    /// Whether a place is in it: the rule that engines keep.
    #[must_use]
    pub fn contains(&self, place: Place) -> bool {
        match *self {
            Self::Within { center, metres } => distance_m(center, place) <= metres,
            Self::Box { south, west, north, east } => {
                let (lat, lon) = (place.latitude(), place.longitude());
                let between = if west <= east { west <= lon && lon <= east } else { lon >= west || lon <= east };
                south <= lat && lat <= north && between
            }
        }
    }

    /// A box that holds all of it, never across the antimeridian: two, when it lies on it.
    #[must_use]
    pub fn boxes(&self) -> Vec<Bounds> {
        let (south, west, north, east) = match *self {
            Self::Box { south, west, north, east } => {
                (south, west - SLACK_DEGREES, north, if west > east { east + 360.0 } else { east } + SLACK_DEGREES)
            }
            Self::Within { center, metres } => {
                let angle = metres / EARTH_RADIUS_M;
                let reach = angle.to_degrees() + SLACK_DEGREES;
                let (south, north) = (center.latitude() - reach, center.latitude() + reach);
                // With a pole in it, all meridians are.
                let wide = if south <= -90.0 || north >= 90.0 {
                    180.0
                } else {
                    (angle.sin() / center.latitude().to_radians().cos()).clamp(-1.0, 1.0).asin().to_degrees()
                        + SLACK_DEGREES
                };
                (south, center.longitude() - wide, north, center.longitude() + wide)
            }
        };
        let (south, north) = ((south - SLACK_DEGREES).max(-90.0), (north + SLACK_DEGREES).min(90.0));
        if east - west >= 360.0 {
            return vec![Bounds { south, west: -180.0, north, east: 180.0 }];
        }
        let mut boxes = Vec::with_capacity(3);
        for turn in [-360.0, 0.0, 360.0] {
            let (west, east) = ((west + turn).max(-180.0), (east + turn).min(180.0));
            if west <= east {
                boxes.push(Bounds { south, west, north, east });
            }
        }
        boxes
    }
}

/// Between two parallels and two meridians, `west <= east`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub south: f64,
    pub west: f64,
    pub north: f64,
    pub east: f64,
}

/// The levels of cells: level n has 2ⁿ columns and 2ⁿ rows over the whole map. 16 is about 600 m by 300 m at the equator.
pub const LEVELS: [u32; 7] = [4, 6, 8, 10, 12, 14, 16];
/// Most cells that an area is covered with.
pub const CELLS_MAX: u64 = 48;

/// The cells that a place is in, one a level.
pub fn cells(place: Place) -> impl Iterator<Item = u64> {
    LEVELS.into_iter().map(move |level| cell(level, column(level, place.longitude()), row(level, place.latitude())))
}

/// Cells of one level that hold all of an area; `None` when it is too large for them to be of use.
#[must_use]
pub fn cover(area: &Area) -> Option<Vec<u64>> {
    let boxes = area.boxes();
    let level =
        LEVELS.into_iter().rev().find(|level| boxes.iter().map(|b| count(*level, b)).sum::<u64>() <= CELLS_MAX)?;
    let mut cells = Vec::new();
    for b in &boxes {
        for y in row(level, b.south)..=row(level, b.north) {
            for x in column(level, b.west)..=column(level, b.east) {
                cells.push(cell(level, x, y));
            }
        }
    }
    cells.sort_unstable();
    cells.dedup();
    Some(cells)
}

fn count(level: u32, b: &Bounds) -> u64 {
    let rows = row(level, b.north) - row(level, b.south) + 1;
    let columns = column(level, b.east) - column(level, b.west) + 1;
    rows * columns
}

fn column(level: u32, longitude: f64) -> u64 {
    slot(level, (longitude + 180.0) / 360.0)
}

fn row(level: u32, latitude: f64) -> u64 {
    slot(level, (latitude + 90.0) / 180.0)
}

fn slot(level: u32, share: f64) -> u64 {
    let slots = 1u64 << level;
    ((share * slots as f64) as u64).min(slots - 1)
}

const fn cell(level: u32, column: u64, row: u64) -> u64 {
    ((level as u64) << 48) | (column << 24) | row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Place {
        Place::new(latitude, longitude).unwrap()
    }

    #[test]
    fn distances_are_those_of_a_sphere() {
        let quarter = std::f64::consts::FRAC_PI_2 * EARTH_RADIUS_M;
        for (a, b, metres) in [
            (at(0.0, 0.0), at(0.0, 90.0), quarter),
            (at(90.0, 12.0), at(-90.0, 77.0), 2.0 * quarter),
            (at(0.0, 179.5), at(0.0, -179.5), quarter / 90.0),
            (at(90.0, 0.0), at(90.0, 123.0), 0.0),
            (at(10.0, 180.0), at(10.0, -180.0), 0.0),
        ] {
            assert!((distance_m(a, b) - metres).abs() < 1e-3, "{a:?} {b:?}");
        }
    }

    #[test]
    fn small_areas_are_covered_by_few_cells_and_the_world_by_none() {
        let small = Area::Within { center: at(52.5, 13.4), metres: 500.0 };
        assert!(cover(&small).is_some_and(|cells| cells.len() <= CELLS_MAX as usize));
        assert_eq!(cover(&Area::Within { center: at(0.0, 0.0), metres: 9_000_000.0 }), None);
    }
}
