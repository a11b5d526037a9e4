//! What we let others know.

use reqwest::Method;
use schemas::chat::{ChatSettings, ChatSettingsPatch};
use schemas::presence::{PresenceSettings, PresenceSettingsPatch};

use super::{Request, Session};
use crate::ApiError;

impl Session {
    pub async fn chat_settings(&self) -> Result<ChatSettings, ApiError> {
        self.get("/v1/me/chat").await
    }

    pub async fn change_chat_settings(&self, patch: &ChatSettingsPatch) -> Result<ChatSettings, ApiError> {
        self.send(Request::new(Method::PATCH, "/v1/me/chat").body(patch)).await
    }

    pub async fn presence_settings(&self) -> Result<PresenceSettings, ApiError> {
        self.get("/v1/me/presence").await
    }

    pub async fn change_presence_settings(&self, patch: &PresenceSettingsPatch) -> Result<PresenceSettings, ApiError> {
        self.send(Request::new(Method::PATCH, "/v1/me/presence").body(patch)).await
    }
}
