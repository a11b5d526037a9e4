//! One's own account, and other people.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Ctx, Problem, Secret, UserId};
use postgres::fault;
use schemas::accounts::{Account, AccountPatch, Deletion, PasswordChange, Person, PersonSummary, Tokens};
use schemas::graph::{Counts, Relation};

use crate::model::{self, Handle, PersonRef};
use crate::store::{self, Credentials, Ending};
use crate::{Error, Service, events};

/// What is between a viewer and a person, as the graph knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    pub counts: Counts,
    pub relation: Relation,
}

/// Whom accounts asks about relations.
#[async_trait]
pub trait Relations: Send + Sync {
    /// `None` when `person` blocks `viewer`. The relation of a person with themselves is empty.
    async fn view(&self, viewer: UserId, person: UserId) -> Result<Option<View>, Problem>;
}

impl Service {
    pub async fn me(&self, ctx: &Ctx) -> Result<Account, Error> {
        store::account(&self.db, &PersonRef::Id(ctx.user)).await?.ok_or(Error::SessionRevoked)
    }

    /// Changes what `patch` names, and tells the caller's other devices.
    pub async fn update(&self, ctx: &Ctx, patch: AccountPatch) -> Result<Account, Error> {
        let name = patch.name.as_deref().map(model::name).transpose()?;
        let bio = patch.bio.as_deref().map(model::bio).transpose()?;

        let mut tx = self.db.begin().await?;
        let before = store::lock_account(&mut tx, ctx.user, None).await?.ok_or(Error::SessionRevoked)?;
        let mut after = before.clone();
        after.name = name.unwrap_or(after.name);
        after.bio = bio.unwrap_or(after.bio);
        after.private = patch.private.unwrap_or(after.private);
        if after == before {
            return Ok(before);
        }
        after.updated_at = ctx.now.max(before.updated_at);
        store::update_profile(&mut tx, &after).await?;
        events::account(&mut tx, events::ACCOUNT_UPDATED, &after, ctx.now).await?;
        tx.commit().await.map_err(fault)?;
        events::updated(&*self.bus, &after).await;
        Ok(after)
    }

    /// Sets a new password and ends all other sessions; tokens issued so far are void.
    pub async fn change_password(&self, ctx: &Ctx, change: PasswordChange) -> Result<Tokens, Error> {
        let proven = self.prove(ctx, change.current_password.expose()).await?;
        let handle = Handle::shape(&proven.handle).ok_or(Error::SessionRevoked)?;
        let password = model::password(change.password.expose().to_owned(), &handle)?;
        let hash = self.hasher.hash(password).await?;

        let mut tx = self.db.begin().await?;
        let version = store::update_password(&mut tx, ctx.user, &proven.password_hash, &hash).await?;
        // Another device was quicker: what was proven is not the password any more.
        let version = version.ok_or(Error::WrongPassword)?;
        let ended = store::revoke(&mut tx, ctx.user, Ending::AllBut(Some(ctx.session)), ctx.now).await?;
        events::sessions_ended(&mut tx, ctx.user, &ended, ctx.now).await?;
        let (first, expires_at) = self.replace_tokens(&mut tx, ctx).await?;
        tx.commit().await.map_err(fault)?;
        events::close(&*self.bus, ctx.user, &ended).await;
        self.tokens(ctx.user, version, &first, expires_at, ctx.now)
    }

    /// Empties the account and ends all sessions. What other slices keep of it goes when they hear of it.
    pub async fn delete(&self, ctx: &Ctx, proof: Deletion) -> Result<(), Error> {
        let proven = self.prove(ctx, proof.password.expose()).await?;
        let mut tx = self.db.begin().await?;
        let account = store::lock_account(&mut tx, ctx.user, Some(&proven.password_hash)).await?;
        let account = account.ok_or(Error::WrongPassword)?;
        store::delete_account(&mut tx, ctx.user, ctx.now).await?;
        store::revoke(&mut tx, ctx.user, Ending::AllBut(None), ctx.now).await?;
        events::account(&mut tx, events::ACCOUNT_DELETED, &account, ctx.now).await?;
        tx.commit().await.map_err(fault)?;
        events::close_account(&*self.bus, ctx.user).await;
        Ok(())
    }

    /// Makes sure that it is the owner who asks. Counts as an attempt at the password.
    async fn prove(&self, ctx: &Ctx, password: &str) -> Result<Credentials, Error> {
        let found = store::credentials(&self.db, ctx.user).await?.ok_or(Error::SessionRevoked)?;
        self.attempt(&found.handle).await?;
        let hash = Some(found.password_hash.clone());
        if !self.hasher.verify(Secret::new(password.to_owned()), hash).await? {
            return Err(Error::WrongPassword);
        }
        self.forgive(&found.handle).await;
        Ok(found)
    }

    /// A person as the caller sees them; whoever blocks the caller is not there.
    pub async fn person(&self, ctx: &Ctx, who: &str, relations: &Arc<dyn Relations>) -> Result<Person, Error> {
        let who = PersonRef::parse(who).ok_or(Error::PersonNotFound)?;
        let found = store::account(&self.db, &who).await?.ok_or(Error::PersonNotFound)?;
        let view = relations.view(ctx.user, found.id).await.map_err(Error::Other)?.ok_or(Error::PersonNotFound)?;
        let Account { id, handle, name, bio, private, created_at, .. } = found;
        let relation = (id != ctx.user).then_some(view.relation);
        Ok(Person { id, handle, name, bio, private, created_at, counts: view.counts, relation })
    }

    /// Whom a text from a path or a message names, by id or by handle.
    pub async fn find(&self, who: &str) -> Result<Option<PersonSummary>, Error> {
        let Some(who) = PersonRef::parse(who) else { return Ok(None) };
        let found = store::account(&self.db, &who).await?;
        Ok(found.map(|it| PersonSummary { id: it.id, handle: it.handle, name: it.name, private: it.private }))
    }

    /// Those of `ids` that exist, in one round trip. Deleted accounts are left out.
    pub async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Error> {
        let found = if ids.is_empty() { Vec::new() } else { store::summaries(&self.db, ids).await? };
        Ok(found.into_iter().map(|person| (person.id, person)).collect())
    }

    /// Who has these handles, in one round trip. Keys are in lower case.
    pub async fn ids_of(&self, handles: &[&str]) -> Result<HashMap<String, UserId>, Error> {
        let mut wanted: Vec<String> =
            handles.iter().filter_map(|text| Handle::shape(text)).map(|handle| handle.to_string()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let found = if wanted.is_empty() { Vec::new() } else { store::ids_of(&self.db, &wanted).await? };
        Ok(found.into_iter().collect())
    }
}
