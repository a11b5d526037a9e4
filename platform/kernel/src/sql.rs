//! How ids, kinds of content and times are kept in PostgreSQL: `uuid`, `smallint` and `timestamptz`.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};
use uuid::Uuid;

use crate::{ContentId, ContentKind, Id, Timestamp};

impl<K> Type<Postgres> for Id<K> {
    fn type_info() -> PgTypeInfo {
        <Uuid as Type<Postgres>>::type_info()
    }
}

impl<K> PgHasArrayType for Id<K> {
    fn array_type_info() -> PgTypeInfo {
        <Uuid as PgHasArrayType>::array_type_info()
    }
}

impl<'q, K> Encode<'q, Postgres> for Id<K> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <Uuid as Encode<'q, Postgres>>::encode_by_ref(&self.uuid(), buffer)
    }
}

impl<'r, K> Decode<'r, Postgres> for Id<K> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        <Uuid as Decode<'r, Postgres>>::decode(value).map(Self::from_uuid)
    }
}

/// Its `uuid` alone, which is a key. Rows have the kind in a column of its own: read both and join them by
/// [`ContentId::from_parts`].
impl Type<Postgres> for ContentId {
    fn type_info() -> PgTypeInfo {
        <Uuid as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for ContentId {
    fn array_type_info() -> PgTypeInfo {
        <Uuid as PgHasArrayType>::array_type_info()
    }
}

impl<'q> Encode<'q, Postgres> for ContentId {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <Uuid as Encode<'q, Postgres>>::encode_by_ref(&self.uuid(), buffer)
    }
}

impl Type<Postgres> for ContentKind {
    fn type_info() -> PgTypeInfo {
        <i16 as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for ContentKind {
    fn array_type_info() -> PgTypeInfo {
        <i16 as PgHasArrayType>::array_type_info()
    }
}

impl<'q> Encode<'q, Postgres> for ContentKind {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i16 as Encode<'q, Postgres>>::encode_by_ref(&self.number(), buffer)
    }
}

impl<'r> Decode<'r, Postgres> for ContentKind {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let number = <i16 as Decode<'r, Postgres>>::decode(value)?;
        Self::from_number(number).ok_or_else(|| format!("{number} is no kind of content").into())
    }
}

// Fixed in PostgreSQL's catalogue (pg_type.dat); by name, each connection would first have to ask.
const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMPTZ_ARRAY: Oid = Oid(1185);

/// PostgreSQL counts microseconds from 2000-01-01T00:00:00Z.
const POSTGRES_EPOCH_MS: i64 = 946_684_800_000;

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl PgHasArrayType for Timestamp {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ_ARRAY)
    }
}

impl<'q> Encode<'q, Postgres> for Timestamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = (self.as_millis() - POSTGRES_EPOCH_MS).saturating_mul(1000);
        <i64 as Encode<'q, Postgres>>::encode_by_ref(&micros, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => {
                let micros = <i64 as Decode<'r, Postgres>>::decode(value)?;
                Ok(Self::from_millis(micros.div_euclid(1000) + POSTGRES_EPOCH_MS))
            }
            PgValueFormat::Text => Ok(value.as_str()?.parse()?),
        }
    }
}
