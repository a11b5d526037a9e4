//! Where something was written, or is, if its author says so.

use schemas::content::{Place, PlaceGiven};

/// Longest name of a place, in code points.
pub const PLACE_NAME_LENGTH_MAX: usize = 100;

/// Why a place cannot be that of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    #[error("the coordinates are not on the globe")]
    Coordinates,
    #[error("the name of the place is empty, too long or not on one line")]
    Name,
    #[error("the place is to be set and removed")]
    Both,
}

/// The place that was given, with the white space around its name cut off.
pub fn place(given: PlaceGiven) -> Result<Place, NoPlace> {
    let PlaceGiven { latitude, longitude, name } = given;
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
        return Err(NoPlace::Coordinates);
    }
    let name = name.map(|name| name.trim().to_owned());
    let fits = |name: &String| {
        (1..=PLACE_NAME_LENGTH_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control)
    };
    if name.as_ref().is_some_and(|name| !fits(name)) {
        return Err(NoPlace::Name);
    }
    Ok(Place { latitude, longitude, name })
}

/// What an edit does to a place.
#[derive(Debug, Clone, PartialEq)]
pub enum PlaceEdit {
    Keep,
    Set(Place),
    Remove,
}

impl PlaceEdit {
    pub fn parse(given: Option<PlaceGiven>, remove: Option<bool>) -> Result<Self, NoPlace> {
        match (given, remove) {
            (None, None) => Ok(Self::Keep),
            (Some(given), None) => place(given).map(Self::Set),
            (None, Some(true)) => Ok(Self::Remove),
            (_, Some(_)) => Err(NoPlace::Both),
        }
    }

    pub fn apply(self, place: &mut Option<Place>) {
        match self {
            Self::Keep => {}
            Self::Set(new) => *place = Some(new),
            Self::Remove => *place = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> PlaceGiven {
        PlaceGiven { latitude, longitude, name: None }
    }

    fn named(name: &str) -> Result<Place, NoPlace> {
        place(PlaceGiven { name: Some(name.to_owned()), ..at(0.0, 0.0) })
    }

    #[test]
    fn a_place_is_on_the_globe() {
        for (latitude, longitude) in [(90.0, 180.0), (-90.0, -180.0), (0.0, 0.0)] {
            assert!(place(at(latitude, longitude)).is_ok(), "{latitude} {longitude}");
        }
        for (latitude, longitude) in
            [(90.000_001, 0.0), (-90.000_001, 0.0), (0.0, 180.000_001), (0.0, -180.000_001), (f64::NAN, 0.0)]
        {
            assert_eq!(place(at(latitude, longitude)), Err(NoPlace::Coordinates), "{latitude} {longitude}");
        }
    }

    #[test]
    fn a_name_is_as_long_as_its_limit_and_on_one_line() {
        assert_eq!(named("  Café \u{2615} ").unwrap().name.as_deref(), Some("Café \u{2615}"));
        assert!(named(&"é".repeat(PLACE_NAME_LENGTH_MAX)).is_ok());
        for wrong in ["", "  ", "two\nlines", &"é".repeat(PLACE_NAME_LENGTH_MAX + 1)] {
            assert_eq!(named(wrong), Err(NoPlace::Name), "{wrong}");
        }
    }

    #[test]
    fn an_edit_keeps_sets_or_removes() {
        let mut place = None;
        for (given, remove, wanted) in [
            (Some(at(1.0, 2.0)), None, Some(Place { latitude: 1.0, longitude: 2.0, name: None })),
            (None, None, Some(Place { latitude: 1.0, longitude: 2.0, name: None })),
            (None, Some(true), None),
        ] {
            PlaceEdit::parse(given, remove).unwrap().apply(&mut place);
            assert_eq!(place, wanted);
        }
        assert_eq!(PlaceEdit::parse(Some(at(1.0, 2.0)), Some(true)), Err(NoPlace::Both));
        assert_eq!(PlaceEdit::parse(None, Some(false)), Err(NoPlace::Both));
    }
}
