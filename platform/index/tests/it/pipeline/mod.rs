//! The pipeline on a real PostgreSQL, with the engines that there are.

mod follow;
mod marks;
mod rebuild;
mod sink;
mod world;
