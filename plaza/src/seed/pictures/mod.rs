//! Pictures of the demo: drawn, since nobody was there to take them.

mod canvas;
mod goods;
mod scenes;

pub use canvas::{Canvas, Shape, rgb};
pub use goods::good;
pub use scenes::{SCENES, Scene, scene};
