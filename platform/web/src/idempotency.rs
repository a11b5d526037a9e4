//! `Idempotency-Key`: a creating request that is repeated creates nothing twice.
//!
//! The first request with a key claims a row, and its answer is kept there for a day. A claim whose node died is free
//! again after its lease; the repeat then runs as if it were the first, so what must never be doubled even then has a
//! natural key of its own (a handle, a client id).
//!
//! Of a key only its hash is kept, and the answer is sealed under the key itself: some answers carry tokens, and
//! whoever reads the table must not get them.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kernel::{Clock, ErrorKind, Problem, StoreError, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use schemas::problem::Problem as Document;
use tokio_util::sync::CancellationToken;

use crate::Failure;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 255;
/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Largest answer that is kept. A larger one is given, but a repeat of its request runs again.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How much longer than the request may take its claim lasts: time to write the answer down.
const LEASE_MARGIN: Duration = Duration::from_secs(15);
/// When to ask again for an answer that is still being worked on.
const IN_PROGRESS_RETRY: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);
const SWEEP_ROWS: i64 = 1_000;

/// A client's key for one request. Clients choose it, so it is worth a password: it is not kept or logged.
pub(crate) struct Key(Box<str>);

impl Key {
    /// The key that came with the request, if one did.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Failure> {
        let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = keys.next() else { return Ok(None) };
        let fits = (1..=KEY_BYTES_MAX).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
        match value.to_str() {
            Ok(text) if fits && keys.next().is_none() => Ok(Some(Self(text.into()))),
            _ => Err(Failure::new(
                ErrorKind::Invalid,
                "invalid_idempotency_key",
                format!("An Idempotency-Key is 1 to {KEY_BYTES_MAX} visible ASCII characters."),
            )),
        }
    }
}

/// Whose keys these are: two callers may use the same.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    User(UserId),
    Guest(IpAddr),
}

/// One request, as the table knows it.
pub(crate) struct Request {
    caller: String,
    operation: &'static str,
    key_hash: Vec<u8>,
    body_hash: Vec<u8>,
    seal: LessSafeKey,
}

impl Request {
    pub(crate) fn new(scope: Scope, operation: &'static str, key: &Key, body: &Bytes) -> Result<Self, StoreError> {
        let caller = match scope {
            Scope::User(user) => user.to_string(),
            Scope::Guest(address) => address.to_string(),
        };
        // The sealing key and the hash in the table both come from the client's key; neither tells the other.
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.0.as_bytes());
        let sealing = hmac::sign(&secret, format!("seal {caller} {operation}").as_bytes());
        let seal = UnboundKey::new(&AES_256_GCM, sealing.as_ref()).map_err(|_| StoreError::broken("key length"))?;
        Ok(Self {
            caller,
            operation,
            key_hash: digest(&SHA256, key.0.as_bytes()).as_ref().to_vec(),
            body_hash: digest(&SHA256, body).as_ref().to_vec(),
            seal: LessSafeKey::new(seal),
        })
    }

    fn seal(&self, mut answer: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| StoreError::broken("no randomness"))?;
        self.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut answer)
            .map_err(|_| StoreError::broken("sealing failed"))?;
        answer.splice(0..0, nonce);
        Ok(answer)
    }

    fn open(&self, mut sealed: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let broken = || StoreError::broken("a kept answer does not open");
        let nonce = sealed.get(..NONCE_LEN).and_then(|nonce| Nonce::try_assume_unique_for_key(nonce).ok());
        let nonce = nonce.ok_or_else(broken)?;
        let text = self.seal.open_within(nonce, Aad::empty(), &mut sealed, NONCE_LEN..).map_err(|_| broken())?;
        Ok(text.to_vec())
    }
}

/// What a key stands for at the moment.
pub(crate) enum Claim {
    /// This request is to be worked on; its answer goes to [`Keys::settle`].
    Mine(i64),
    /// It was answered before, so.
    Answered(Response),
    /// The first one is still being worked on.
    InProgress,
    /// The key came with another body before.
    Reused,
}

impl Claim {
    pub(crate) fn in_progress() -> Failure {
        let message = "The first request with this Idempotency-Key is still being worked on.";
        Problem::new(ErrorKind::Conflict, "idempotency_in_progress", message).retry_after(IN_PROGRESS_RETRY).into()
    }

    pub(crate) fn reused() -> Failure {
        let message = "This Idempotency-Key came with another body before.";
        Failure::new(ErrorKind::Invalid, "idempotency_key_reused", message)
    }
}

/// The table of keys.
#[derive(Debug, Clone)]
pub struct Keys {
    db: Db,
    clock: Clock,
}

#[derive(sqlx::FromRow)]
struct Row {
    body_hash: Vec<u8>,
    status: Option<i16>,
    content_type: Option<String>,
    body: Option<Vec<u8>>,
}

impl Keys {
    #[must_use]
    pub const fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Claims the request, unless another one has.
    pub(crate) async fn claim(&self, request: &Request, timeout: Duration) -> StoreResult<Claim> {
        let (now, claim) = (self.clock.now(), rand::random::<i64>());
        let mine: Option<i64> = sqlx::query_scalar(
            "INSERT INTO idempotency_keys AS k
                 (caller, operation, key_hash, body_hash, claim, claimed_until, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (caller, operation, key_hash) DO UPDATE SET
                 body_hash = excluded.body_hash, claim = excluded.claim, claimed_until = excluded.claimed_until,
                 created_at = excluded.created_at, status = NULL, content_type = NULL, body = NULL
             WHERE k.created_at <= $8
                OR (k.status IS NULL AND k.claimed_until <= $7 AND k.body_hash = excluded.body_hash)
             RETURNING claim",
        )
        .bind(&request.caller)
        .bind(request.operation)
        .bind(&request.key_hash)
        .bind(&request.body_hash)
        .bind(claim)
        .bind(now.plus(timeout + LEASE_MARGIN))
        .bind(now)
        .bind(now.minus(KEPT))
        .fetch_optional(self.db.pool())
        .await
        .map_err(fault)?;
        if mine.is_some() {
            return Ok(Claim::Mine(claim));
        }
        let row: Option<Row> = sqlx::query_as(
            "SELECT body_hash, status, content_type, body FROM idempotency_keys
             WHERE caller = $1 AND operation = $2 AND key_hash = $3",
        )
        .bind(&request.caller)
        .bind(request.operation)
        .bind(&request.key_hash)
        .fetch_optional(self.db.pool())
        .await
        .map_err(fault)?;
        match row {
            Some(row) if row.body_hash != request.body_hash => Ok(Claim::Reused),
            Some(Row { status: Some(status), content_type, body, .. }) => {
                let body = request.open(body.unwrap_or_default())?;
                replay(status, content_type.as_deref(), body).map(Claim::Answered)
            }
            // Being worked on; or given back between the two statements, and free when asked again.
            _ => Ok(Claim::InProgress),
        }
    }

    /// Keeps the answer, if it is one to keep; else gives the key back. Returns the answer as it is to be sent.
    pub(crate) async fn settle(&self, request: &Request, claim: i64, answer: Response) -> Response {
        let (parts, body) = answer.into_parts();
        let body = match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                tracing::error!(%error, operation = request.operation, "an answer is too large to be kept");
                self.give_back(request, claim).await;
                return Failure::internal().into_response();
            }
        };
        let document = parts.extensions.get::<Document>();
        let kept = match is_final(parts.status, document) {
            false => None,
            true => match document {
                Some(document) => serde_json::to_vec(document).ok(),
                None => Some(body.to_vec()),
            },
        };
        match kept {
            Some(kept) => {
                let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                if let Err(error) = self.keep(request, claim, parts.status, content_type, kept).await {
                    // The thing was created. A repeat will wait for the lease, then run again.
                    tracing::error!(%error, operation = request.operation, "an answer could not be kept");
                }
            }
            None => self.give_back(request, claim).await,
        }
        Response::from_parts(parts, Body::from(body))
    }

    async fn keep(
        &self,
        request: &Request,
        claim: i64,
        status: StatusCode,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> StoreResult<()> {
        sqlx::query(
            "UPDATE idempotency_keys SET status = $5, content_type = $6, body = $7
             WHERE caller = $1 AND operation = $2 AND key_hash = $3 AND claim = $4",
        )
        .bind(&request.caller)
        .bind(request.operation)
        .bind(&request.key_hash)
        .bind(claim)
        .bind(status.as_u16().cast_signed())
        .bind(content_type)
        .bind(request.seal(body)?)
        .execute(self.db.pool())
        .await
        .map(drop)
        .map_err(fault)
    }

    async fn give_back(&self, request: &Request, claim: i64) {
        let given = sqlx::query(
            "DELETE FROM idempotency_keys
             WHERE caller = $1 AND operation = $2 AND key_hash = $3 AND claim = $4 AND status IS NULL",
        )
        .bind(&request.caller)
        .bind(request.operation)
        .bind(&request.key_hash)
        .bind(claim)
        .execute(self.db.pool())
        .await;
        if let Err(error) = given {
            tracing::warn!(%error, "an idempotency key could not be given back; its lease will end");
        }
    }

    /// Forgets old answers, until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
            if let Err(error) = self.sweep(self.clock.now()).await {
                tracing::warn!(%error, "old idempotency keys could not be removed; will try again");
            }
        }
    }

    /// Removes what is older than [`KEPT`]; says how many.
    pub async fn sweep(&self, now: Timestamp) -> StoreResult<u64> {
        let mut removed = 0;
        loop {
            let batch = sqlx::query(
                "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
                     SELECT ctid FROM idempotency_keys WHERE created_at <= $1 LIMIT $2))",
            )
            .bind(now.minus(KEPT))
            .bind(SWEEP_ROWS)
            .execute(self.db.pool())
            .await
            .map_err(fault)?
            .rows_affected();
            removed += batch;
            if batch < SWEEP_ROWS.unsigned_abs() {
                return Ok(removed);
            }
        }
    }
}

/// Whether a repeat should get the same answer, rather than another try.
fn is_final(status: StatusCode, document: Option<&Document>) -> bool {
    let try_again = document.is_some_and(|document| document.retry_after_ms.is_some());
    !try_again
        && !status.is_server_error()
        && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS)
}

fn replay(status: i16, content_type: Option<&str>, body: Vec<u8>) -> StoreResult<Response> {
    let status = StatusCode::from_u16(status.cast_unsigned()).map_err(StoreError::broken)?;
    let mut response = Response::new(Body::empty());
    if status.is_success() {
        *response.body_mut() = Body::from(body);
        if let Some(content_type) = content_type {
            let value = HeaderValue::from_str(content_type).map_err(StoreError::broken)?;
            response.headers_mut().insert(CONTENT_TYPE, value);
        }
    } else {
        let document: Document = serde_json::from_slice(&body).map_err(StoreError::broken)?;
        response.extensions_mut().insert(document);
    }
    *response.status_mut() = status;
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
