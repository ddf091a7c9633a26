//! What must people not read? Masks values by column rule and by what they look like.
