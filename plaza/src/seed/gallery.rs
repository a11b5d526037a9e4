//! Draws what is shown, uploads it, and publishes it.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{ContentId, ContentKind, MediaId};
use schemas::content::{Audience, ContentCreate, ReelCreate, StoryCreate};
use schemas::media::{MediaState, MediaType, MediaUpload};
use tokio::time::{sleep, timeout};

use super::community::Community;
use super::engaged::Spot;
use super::fill::{Count, FillError, Filling, Written, refused};
use super::film::film;
use super::pictures::{Canvas, Scene, good, scene};
use super::shown::{Reel, Story};

/// How a phone is held.
const STORY: (u32, u32) = (720, 1280);
const LANDSCAPE: (u32, u32) = (960, 720);
/// Longest wait for a file that another process works on.
const READY_MAX: Duration = Duration::from_secs(2 * 60);
const POLL: Duration = Duration::from_millis(50);

impl Filling<'_> {
    pub(super) async fn show(&self, plan: &Community, written: &mut Written) -> Result<(), FillError> {
        let mut there: HashMap<(usize, ContentKind), HashMap<String, ContentId>> = HashMap::new();
        let mut reels = Count::of("Reels", plan.shown.reels.len(), self.progress);
        for (place, Reel { by, text, film: what, ago }) in plan.shown.reels.iter().enumerate() {
            reels.next();
            let known = self.known(&mut there, *by, ContentKind::Reel, text).await?;
            let id = match known {
                Some(id) => id,
                None => {
                    let (what, look) = (*what, look(*by, place));
                    let file = drawn(move || Ok(film(what, look))).await?;
                    let media = self.upload(*by, MediaType::Mp4, file).await?;
                    let text = Some((*text).to_owned());
                    self.publish(*by, *ago, ReelCreate { media, text, audience: None, place: None }).await?
                }
            };
            written.insert(Spot::Reel(place), id);
        }
        let mut stories = Count::of("Stories", plan.shown.stories.len(), self.progress);
        for (place, Story { by, text, scene, close_friends, ago }) in plan.shown.stories.iter().enumerate() {
            stories.next();
            let known = self.known(&mut there, *by, ContentKind::Story, text).await?;
            let id = match known {
                Some(id) => id,
                None => {
                    let media = self.picture(*by, *scene, STORY, look(*by, place)).await?;
                    let audience = close_friends.then_some(Audience::CloseFriends);
                    self.publish(*by, *ago, StoryCreate { media, text: Some((*text).to_owned()), audience }).await?
                }
            };
            written.insert(Spot::Story(place), id);
        }
        Ok(())
    }

    /// What somebody published of this kind in an earlier run, if it says this.
    async fn known(
        &self,
        there: &mut HashMap<(usize, ContentKind), HashMap<String, ContentId>>,
        by: usize,
        kind: ContentKind,
        text: &str,
    ) -> Result<Option<ContentId>, FillError> {
        if let Some(texts) = there.get(&(by, kind)) {
            return Ok(texts.get(text).copied());
        }
        let found = self.published(by, Some(kind)).await?;
        let texts: HashMap<String, ContentId> = found.into_iter().map(|it| (it.text, it.id)).collect();
        let id = texts.get(text).copied();
        there.insert((by, kind), texts);
        Ok(id)
    }

    async fn publish(&self, by: usize, ago: Duration, wish: impl Into<ContentCreate>) -> Result<ContentId, FillError> {
        let made = self.slices.content.create(&self.members[by].at(self.ago(ago)), wish.into()).await;
        Ok(made.map_err(refused("something to look at"))?.id)
    }

    /// For a post.
    pub(super) async fn landscape(&self, by: usize, place: Scene, post: usize) -> Result<MediaId, FillError> {
        self.picture(by, place, LANDSCAPE, look(by, post)).await
    }

    /// For a listing.
    pub(super) async fn poster(&self, by: usize, place: usize) -> Result<MediaId, FillError> {
        let file = drawn(move || jpeg(&good(place))).await?;
        self.upload(by, MediaType::Jpeg, file).await
    }

    async fn picture(
        &self,
        by: usize,
        place: Scene,
        (width, height): (u32, u32),
        look: u64,
    ) -> Result<MediaId, FillError> {
        let file = drawn(move || jpeg(&scene(place, width, height, look))).await?;
        self.upload(by, MediaType::Jpeg, file).await
    }

    /// Uploads a file and makes it ready, unless another process does.
    async fn upload(&self, by: usize, r#type: MediaType, file: Vec<u8>) -> Result<MediaId, FillError> {
        let (media, ctx) = (&self.slices.media, self.members[by].at(self.now));
        let begun = media.begin(&ctx, MediaUpload { r#type, bytes: file.len() as u64 }).await;
        let id = begun.map_err(refused("an upload"))?.id;
        media.append(&ctx, id, 0, file.into()).await.map_err(refused("an upload"))?;
        let ready = async {
            loop {
                match media.read(&ctx, id).await.map_err(refused("an upload"))?.state {
                    MediaState::Ready => return Ok(id),
                    MediaState::Refused => return Err(FillError::Drawing("it was refused".to_owned())),
                    MediaState::Uploading | MediaState::Processing => {}
                }
                if !self.slices.media_worker.work_once().await.map_err(refused("an upload"))? {
                    sleep(POLL).await;
                }
            }
        };
        let late = |_| FillError::Drawing("it does not become ready".to_owned());
        timeout(READY_MAX, ready).await.map_err(late)?
    }
}

/// No two pictures are the same.
fn look(by: usize, place: usize) -> u64 {
    (by as u64) << 32 | place as u64
}

fn jpeg(canvas: &Canvas) -> Result<Vec<u8>, FillError> {
    canvas.jpeg().map_err(|error| FillError::Drawing(error.to_string()))
}

/// On a thread that nobody waits for.
async fn drawn(draw: impl FnOnce() -> Result<Vec<u8>, FillError> + Send + 'static) -> Result<Vec<u8>, FillError> {
    tokio::task::spawn_blocking(draw).await.map_err(|error| FillError::Drawing(error.to_string()))?
}
