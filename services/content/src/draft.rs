//! What somebody wants to publish or to change, found to be fit for its kind.

use kernel::{ContentId, ContentKind, MediaId};
use schemas::content::{
    Audience, Availability, ContentCreate, ContentEdit, LivestreamState, Place, PlaceGiven, Price, PriceGiven,
};

use crate::Error;
use crate::kinds::{Part, rules};
use crate::model::Content;
use crate::place::{PlaceEdit, place};
use crate::text::Text;

/// Longest title, in code points.
pub const TITLE_LENGTH_MAX: usize = 120;
/// Highest price, in the smallest unit of its currency.
pub const PRICE_AMOUNT_MAX: u64 = 1_000_000_000_000;

/// Why something is not fit for its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsuited {
    #[error("the title is empty, too long or not on one line")]
    Title,
    #[error("the price is too high, or its currency is none")]
    Price,
    #[error("too many pictures and videos, or one of them twice")]
    TooManyMedia,
    #[error("a picture or video is not there, not the caller's, or not ready")]
    MediaNotFound,
    #[error("only a video will do")]
    NoVideo,
    #[error("this kind has no {}", .0.name())]
    NotOfKind(Part),
    #[error("a livestream does not go back")]
    Backwards,
}

/// Something to be published, of any kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub kind: ContentKind,
    pub text: Option<Text>,
    pub audience: Audience,
    pub media: Vec<MediaId>,
    pub place: Option<Place>,
    pub parent: Option<ContentId>,
    pub title: Option<String>,
    pub state: Option<LivestreamState>,
    pub price: Option<Price>,
    pub availability: Option<Availability>,
}

impl Draft {
    pub(crate) fn parse(wish: ContentCreate) -> Result<Self, Error> {
        let draft = match wish {
            ContentCreate::Post(it) => {
                // Pictures need no words.
                let text = Some(&*it.text).filter(|text| !text.is_empty() || it.media.is_empty());
                Self { media: it.media, ..Self::new(ContentKind::Post, text, it.audience, it.place)? }
            }
            ContentCreate::Reel(it) => Self {
                media: vec![it.media],
                ..Self::new(ContentKind::Reel, it.text.as_deref(), it.audience, it.place)?
            },
            ContentCreate::Story(it) => {
                Self { media: vec![it.media], ..Self::new(ContentKind::Story, it.text.as_deref(), it.audience, None)? }
            }
            ContentCreate::Comment(it) => {
                Self { parent: Some(it.parent), ..Self::new(ContentKind::Comment, Some(&it.text), None, None)? }
            }
            ContentCreate::Livestream(it) => Self {
                title: Some(title(&it.title)?),
                state: Some(it.state.unwrap_or(LivestreamState::Live)),
                ..Self::new(ContentKind::Livestream, it.text.as_deref(), it.audience, None)?
            },
            ContentCreate::Listing(it) => Self {
                title: Some(title(&it.title)?),
                price: Some(price(it.price)?),
                availability: Some(Availability::Available),
                media: it.media,
                ..Self::new(ContentKind::Listing, it.text.as_deref(), it.audience, it.place)?
            },
        };
        let mut distinct = draft.media.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < draft.media.len() || !rules(draft.kind).media.count.contains(&distinct.len()) {
            return Err(Unsuited::TooManyMedia.into());
        }
        Ok(draft)
    }

    fn new(
        kind: ContentKind,
        text: Option<&str>,
        audience: Option<Audience>,
        given: Option<PlaceGiven>,
    ) -> Result<Self, Error> {
        Ok(Self {
            kind,
            text: text.map(Text::parse).transpose()?,
            audience: audience.unwrap_or_default(),
            media: Vec::new(),
            place: given.map(place).transpose()?,
            parent: None,
            title: None,
            state: None,
            price: None,
            availability: None,
        })
    }
}

/// A change of something that was published.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edit {
    pub text: Option<Text>,
    audience: Option<Audience>,
    place: PlaceEdit,
    title: Option<String>,
    state: Option<LivestreamState>,
    price: Option<Price>,
    availability: Option<Availability>,
}

impl Edit {
    pub(crate) fn parse(kind: ContentKind, wish: ContentEdit) -> Result<Self, Error> {
        let named = [
            (Part::Text, wish.text.is_some()),
            (Part::Audience, wish.audience.is_some()),
            (Part::Place, wish.place.is_some() || wish.remove_place.is_some()),
            (Part::Title, wish.title.is_some()),
            (Part::State, wish.state.is_some()),
            (Part::Price, wish.price.is_some()),
            (Part::Availability, wish.availability.is_some()),
        ];
        let mut named = named.into_iter().filter(|(_, is_named)| *is_named).map(|(part, _)| part).peekable();
        if named.peek().is_none() {
            return Err(Error::NothingToEdit);
        }
        if let Some(part) = named.find(|part| !rules(kind).edits.contains(part)) {
            return Err(Unsuited::NotOfKind(part).into());
        }
        Ok(Self {
            text: wish.text.as_deref().map(Text::parse).transpose()?,
            audience: wish.audience,
            place: PlaceEdit::parse(wish.place, wish.remove_place)?,
            title: wish.title.as_deref().map(title).transpose()?,
            state: wish.state,
            price: wish.price.map(price).transpose()?,
            availability: wish.availability,
        })
    }

    /// Everything but the text, whose mentions are for the caller to find.
    pub(crate) fn apply(self, content: &mut Content) -> Result<(), Error> {
        if let (Some(was), Some(is)) = (content.state, self.state)
            && order(is) < order(was)
        {
            return Err(Unsuited::Backwards.into());
        }
        content.audience = self.audience.unwrap_or(content.audience);
        self.place.apply(&mut content.place);
        content.title = self.title.or(content.title.take());
        content.state = self.state.or(content.state);
        content.price = self.price.or(content.price.take());
        content.availability = self.availability.or(content.availability);
        Ok(())
    }
}

const fn order(state: LivestreamState) -> u8 {
    match state {
        LivestreamState::Announced => 0,
        LivestreamState::Live => 1,
        LivestreamState::Ended => 2,
    }
}

fn title(raw: &str) -> Result<String, Unsuited> {
    let title = raw.trim();
    let fits = (1..=TITLE_LENGTH_MAX).contains(&title.chars().count()) && !title.chars().any(char::is_control);
    fits.then(|| title.to_owned()).ok_or(Unsuited::Title)
}

fn price(PriceGiven { amount, currency }: PriceGiven) -> Result<Price, Unsuited> {
    let is_currency = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_currency && amount <= PRICE_AMOUNT_MAX).then_some(Price { amount, currency }).ok_or(Unsuited::Price)
}
