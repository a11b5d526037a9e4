//! Search: people, hashtags, posts and messages by words, by place and by time; completion of names; trending hashtags.
//!
//! A search goes like this: the query string is parsed into a [`Wish`](model::Wish), the engine finds ids, the [`Source`] of each
//! kind loads what the viewer may see of them, and the rest is dropped and looked for further on.
//!
//! ## Decisions
//! - **The index finds, the slice shows.** The engine narrows down by audience, so that little is found in vain; whether
//!   somebody may see a thing is asked of its slice when the page is made, and what is shown is what the slice has now. So a block, an unfollow, a
//!   deletion or a departure works at once, however far behind the index is. When a slice does not answer, the page fails.
//! - **Highlights are worked out on the text that is shown** ([`highlights`]), with the analysis that the engines index by: the
//!   indexed text may be older, and must not be quoted after an edit. They are spans in code points, as everywhere.
//! - **Dropped hits are made up for** in up to [`ROUNDS_MAX`] rounds; a page that is still not full has a cursor.
//! - **A cursor is a place in the order of results, with the moment of the first page**, since relevance falls with age. It is signed for its
//!   viewer and its search: another search would make it mean something else. The size of the page may change.
//! - **Age counts for posts and messages only.** A search by relevance for both sorts asks the engine twice and merges by score
//!   ([`legs`]).
//! - **One address for all of it**: near me is `near`, a room is `room`. A search of nothing is refused; it would list
//!   everybody.
//! - **Trends are worked out of rows when asked for**, in PostgreSQL, since that is where they can be exact: a use is a row, so an edit, a
//!   deletion and an account that turns private take back what they counted, a person counts once however often they
//!   repeat themselves, and events may come twice. Counters in Redis could do none of it, and may vanish. It costs one scan of
//!   the last day's uses each half minute and process. Posts of an account that turns public count from then on only.
//! - **Popularity is a column of the table that documents are made of**, so that the change stream, builds and `verify` know nothing of it:
//!   followers of people; reactions, shares and saves of content. [`Recounter`] asks for the counts anew when events name somebody or
//!   something, and what is kept is a power of two: the millionth reaction writes nothing. What is deleted takes it along. What a
//!   deleted account had done is taken off when the next event comes.
//! - **A hashtag is found by who may read one of its latest twenty posts**, and its posts are counted up to a thousand; both are
//!   asked of the posts, since the index knows neither blocks nor private accounts.
//! - **Content for followers, and for close friends,** is one audience each to the engine, so that those of strangers are found in vain and dropped; followings as
//!   filters would be thousands of values. A search that meets little else costs rounds, and its pages are short.
//! - **A further kind** joins with a [`Source`] in wiring, its name in [`model`] and a variant of `schemas::search::Hit`.

pub mod cursor;
mod error;
pub mod highlights;
mod http;
pub mod legs;
mod metrics;
pub mod model;
mod neighbours;
mod popularity;
mod service;
mod trends;

pub use error::Error;
pub use http::routes;
pub use neighbours::{Directory, Popularity, Source, Tagged, TaggedContent, Thing};
pub use popularity::{AT_ONCE, Recounter};
pub use service::{COMPLETIONS_MAX, ROUNDS_MAX, Service};
pub use trends::{Counter, FRESH, HALF_LIFE, KEPT, PEOPLE_MIN, RECENT, TRENDS_MAX};
