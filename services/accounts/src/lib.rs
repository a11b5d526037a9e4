//! Accounts: registering, logging in, a session for each device, and the profile.
//!
//! `model` has the rules of what may be a handle or a password, `tokens` the two kinds of tokens, `service` and
//! `profile` the use cases, `verify` the answer to "who is asking", and `store` the SQL.
//!
//! ## Decisions
//! - **An access token is a JWT of ten minutes, and the session is looked up all the same**, by primary key, with each
//!   request and each identification of a socket: logging out is to work at once, not in ten minutes. The signature
//!   keeps invented tokens away from the store.
//! - HS256: those who verify are those who sign, so there is no public key to hand out. The format is forty lines over
//!   `hmac`; the JWT crates bring RSA and four curves along. The algorithm is ours to choose, never the token's.
//! - **A refresh token is worth one swap.** Its successor is derived from it with a key, so that a repeat within
//!   [`GRACE`](tokens::refresh::GRACE) gets the same one though only hashes are stored: a lost answer does not log
//!   anybody out. A token that was swapped before that ends the session, since two hold it. A tag under our key tells
//!   such a token from noise, so that knowing a session's id is not enough to end it.
//! - **Log-in tells nothing**: an unknown handle costs one hash like a known one, gets the same answer, and is counted
//!   by the same limit. Registering tells what handles are taken, which profiles tell as well.
//! - Attempts are limited by handle and by address. Who knows a handle can thereby keep its owner from logging in for
//!   a while, but not from using the devices that are logged in.
//! - Passwords are hashed on few threads behind a short queue (`password`): 19 MiB each times a storm of log-ins would
//!   be the end of the process.
//! - A handle is for good. It is not changed, and not given away after the account is deleted, so that a mention in an
//!   old message never leads to somebody else.
//! - What must happen after a commit (closing sockets) is done at once over the bus, and once more from the outbox, so that
//!   neither a crash between the two nor a bus that is away for a while leaves a revoked device connected.

pub mod documents;
mod error;
mod events;
mod http;
mod metrics;
pub mod model;
mod password;
mod profile;
mod service;
mod settings;
mod store;
pub mod tokens;
mod verify;

pub use error::Error;
pub use events::{
    ACCOUNT_CREATED, ACCOUNT_DELETED, ACCOUNT_UPDATED, AccountChanged, Closer, SESSION_REVOKED, SessionEnded,
};
pub use http::routes;
pub use profile::{Relations, View};
pub use service::{Origin, SESSIONS_MAX, Service};
pub use settings::Settings;
pub use verify::LAST_SEEN_EVERY;
