//! Use cases of chat, on a real PostgreSQL.

mod catching_up;
mod delivery;
mod marks;
mod messages;
mod passes;
mod rooms;
mod town;
