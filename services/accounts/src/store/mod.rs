//! The SQL of this slice.

mod accounts;
mod sessions;

pub(crate) use accounts::{
    Credentials, HANDLE_TAKEN, account, credentials, credentials_by_handle, delete_account, ids_of, insert_account,
    lock_account, summaries, update_password, update_profile,
};
pub(crate) use sessions::{
    Ending, NewSession, alive, insert_session, lock_family, platform, prune_sessions, revoke, sessions, touch,
    update_family,
};
