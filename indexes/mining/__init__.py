"""Mining: from chat logs to drafts of knowledge, for people to review."""
