//! Which browsers' pages may call the API. Tokens travel in a header, never in a cookie, so credentials stay off.

use std::str::FromStr;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, Uri};
use serde::{Deserialize, Deserializer};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::Settings;

/// How long a browser remembers the answer to its preflight request.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(60 * 60);

/// `*`, or the scheme, host and port of a page: `https://app.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an origin such as https://app.example.com, without a path, or *")]
pub struct OriginError;

impl Origin {
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let value = HeaderValue::from_str(text).map_err(|_| OriginError)?;
        let is_origin = || {
            let uri: Uri = text.parse().ok()?;
            let plain = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
            (uri.scheme().is_some() && uri.authority().is_some() && plain).then_some(())
        };
        if text == "*" || is_origin().is_some() { Ok(Self(value)) } else { Err(OriginError) }
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

pub(crate) fn layer(settings: &Settings) -> Option<CorsLayer> {
    let origins = &settings.cors_origins;
    if origins.is_empty() {
        return None;
    }
    let origins = if origins.iter().any(Origin::is_any) {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().map(|origin| origin.0.clone()))
    };
    let header = HeaderName::from_static;
    Some(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                IF_NONE_MATCH,
                IF_RANGE,
                RANGE,
                header("idempotency-key"),
                header("traceparent"),
                header("upload-offset"),
                header("x-request-id"),
            ])
            .expose_headers([
                CONTENT_RANGE,
                ETAG,
                RETRY_AFTER,
                header("idempotency-replayed"),
                header("ratelimit"),
                header("ratelimit-policy"),
                header("upload-length"),
                header("upload-offset"),
                header("x-request-id"),
            ])
            .max_age(PREFLIGHT_KEPT),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for fine in ["*", "https://app.example.com", "http://127.0.0.1:5173"] {
            assert!(fine.parse::<Origin>().is_ok(), "{fine}");
        }
        for wrong in ["", "app.example.com", "https://app.example.com/", "https://app.example.com/x", "https://"] {
            assert_eq!(wrong.parse::<Origin>(), Err(OriginError), "{wrong}");
        }
    }
}
