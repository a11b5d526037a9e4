//! Search for people, posts, hashtags and messages.
